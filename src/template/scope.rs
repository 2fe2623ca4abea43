//! The names that expressions can use, with their values.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Deref;
use std::sync::{Arc, LazyLock, OnceLock};

use minijinja::value::{Enumerator, Object, Value};
use serde_json::Value as Json;

use super::to_json;

/// A value as expressions see it. Cheap to copy.
#[derive(Debug, Clone)]
pub struct Data(Value);

impl Data {
    /// The value of JSON.
    pub fn of(value: &Json) -> Self {
        Self(Value::from(minijinja::value::Serde(value)))
    }

    /// A list of values.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self(items.into_iter().map(|item| item.0).collect())
    }

    /// Values by name.
    pub fn map(entries: impl IntoIterator<Item = (String, Self)>) -> Self {
        let map: BTreeMap<String, Value> = entries
            .into_iter()
            .map(|(name, value)| (name, value.0))
            .collect();
        Self(Value::from(map))
    }
}

/// A value of JSON that many expressions may ask for: as they see it, it is made when the first one asks. Cheap to
/// copy.
#[derive(Debug, Clone)]
pub struct Shared(Arc<dyn Kept>);

/// JSON in whatever keeps it, and the same as expressions see it.
trait Kept: Debug + Send + Sync {
    fn json(&self) -> &Json;
    fn value(&self) -> &Value;
}

impl<T: Borrow<Json> + Debug + Send + Sync> Kept for (T, OnceLock<Value>) {
    fn json(&self) -> &Json {
        self.0.borrow()
    }

    fn value(&self) -> &Value {
        self.1.get_or_init(|| Data::of(self.json()).0)
    }
}

impl Shared {
    /// The JSON that is kept in something else.
    pub fn in_keeping(keeper: impl Borrow<Json> + Debug + Send + Sync + 'static) -> Self {
        Self(Arc::new((keeper, OnceLock::new())))
    }
}

impl From<Json> for Shared {
    fn from(value: Json) -> Self {
        Self::in_keeping(value)
    }
}

impl Default for Shared {
    fn default() -> Self {
        Json::Null.into()
    }
}

impl Deref for Shared {
    type Target = Json;

    fn deref(&self) -> &Json {
        self.0.json()
    }
}

/// The names that an expression can use, with their values. Cheap to copy: a copy that is changed keeps
/// what it shares below what is its own.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    top: Arc<Layer>,
}

#[derive(Debug, Default)]
struct Layer {
    values: BTreeMap<String, Slot>,
    below: Option<Arc<Layer>>,
    depth: usize,
}

/// A value, or how to come by it when it is first asked for.
#[derive(Debug, Clone)]
enum Slot {
    Now(Value),
    Later(Arc<Later>),
    Shared(Shared),
}

type Later = LazyLock<Value, Box<dyn FnOnce() -> Value + Send + Sync>>;

impl Slot {
    fn value(&self) -> &Value {
        match self {
            Self::Now(value) => value,
            Self::Later(later) => later,
            Self::Shared(Shared(kept)) => kept.value(),
        }
    }
}

/// Layers that are looked through before they are joined.
const DEPTH: usize = 6;

impl Layer {
    fn slot(&self, name: &str) -> Option<&Slot> {
        self.values
            .get(name)
            .or_else(|| self.below.as_ref().and_then(|below| below.slot(name)))
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.slot(name).map(Slot::value)
    }

    fn all(&self) -> BTreeMap<String, Slot> {
        let mut all = self
            .below
            .as_ref()
            .map(|below| below.all())
            .unwrap_or_default();
        all.extend(
            self.values
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        all
    }
}

/// What a name leads to.
pub(super) enum Found<'a> {
    Json(&'a Json),
    Value(Value),
}

impl Found<'_> {
    /// As JSON; `None` is `omit`.
    pub(super) fn json(&self) -> Result<Option<Json>, String> {
        match self {
            Self::Json(json) => Ok(Some((*json).clone())),
            Self::Value(value) => to_json(value),
        }
    }

    /// Whether it counts as true.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Json(Json::Null) => false,
            Self::Json(Json::Bool(truth)) => *truth,
            Self::Json(Json::Number(number)) => number.as_f64() != Some(0.0),
            Self::Json(Json::String(text)) => !text.is_empty(),
            Self::Json(Json::Array(items)) => !items.is_empty(),
            Self::Json(Json::Object(fields)) => !fields.is_empty(),
            Self::Value(value) => value.is_true(),
        }
    }
}

#[derive(Debug)]
struct View(Arc<Layer>);

impl Object for View {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_str()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.all().into_keys().map(Value::from).collect())
    }
}

impl Scope {
    /// What an evaluation looks names up in.
    pub(super) fn lookup(&self) -> Value {
        Value::from_object(View(Arc::clone(&self.top)))
    }

    /// What a name leads to, or one with attributes, such as `pool.id`. What is read of JSON is not made a value of
    /// expressions for it.
    pub(super) fn find(&self, path: &str) -> Option<Found<'_>> {
        let mut names = path.split('.');
        let slot = self.top.slot(names.next()?)?;
        if let Slot::Shared(shared) = slot {
            let json = names.try_fold(&**shared, |json, name| json.as_object()?.get(name));
            return json.map(Found::Json);
        }
        let value = names.try_fold(slot.value().clone(), |value, name| {
            value.get_attr(name).ok()
        })?;
        (!value.is_undefined()).then_some(Found::Value(value))
    }

    /// A scope without names.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a name its value; what it had before is replaced.
    pub fn set(&mut self, name: impl Into<String>, value: &Json) {
        self.put(name, Data::of(value));
    }

    /// Gives a name a value that expressions can use already.
    pub fn put(&mut self, name: impl Into<String>, value: Data) {
        self.fill(name.into(), Slot::Now(value.0));
    }

    /// Gives a name a value that others may have, too.
    pub fn share(&mut self, name: impl Into<String>, value: &Shared) {
        self.fill(name.into(), Slot::Shared(value.clone()));
    }

    /// Gives a name a value that is worked out when an expression first asks for it.
    pub fn put_later(
        &mut self,
        name: impl Into<String>,
        value: impl FnOnce() -> Data + Send + Sync + 'static,
    ) {
        let later: Later = LazyLock::new(Box::new(|| value().0));
        self.fill(name.into(), Slot::Later(Arc::new(later)));
    }

    fn fill(&mut self, name: String, slot: Slot) {
        if let Some(own) = Arc::get_mut(&mut self.top) {
            own.values.insert(name, slot);
            return;
        }
        let deep = self.top.depth >= DEPTH;
        let mut layer = Layer {
            values: if deep {
                self.top.all()
            } else {
                BTreeMap::new()
            },
            below: (!deep).then(|| Arc::clone(&self.top)),
            depth: if deep { 0 } else { self.top.depth + 1 },
        };
        layer.values.insert(name, slot);
        self.top = Arc::new(layer);
    }

    /// Takes every name of the other scope.
    pub fn extend(&mut self, other: &Scope) {
        for (name, slot) in other.top.all() {
            self.fill(name, slot);
        }
    }

    /// Gives `new` the value of `name`, if it has one.
    pub fn alias(&mut self, new: &str, name: &str) {
        if let Some(slot) = self.top.slot(name).cloned() {
            self.fill(new.to_owned(), slot);
        }
    }

    /// Takes one name from another scope, if it has a value there.
    pub fn take(&mut self, name: &str, from: &Scope) {
        if let Some(slot) = from.top.slot(name).cloned() {
            self.fill(name.to_owned(), slot);
        }
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<Json> {
        self.top
            .get(name)
            .and_then(|value| to_json(value).ok().flatten())
    }

    /// Every name with its value.
    pub fn values(&self) -> BTreeMap<String, Json> {
        let values = self.top.all().into_iter();
        values
            .filter_map(|(name, value)| Some((name, to_json(value.value()).ok().flatten()?)))
            .collect()
    }

    /// Whether the name has a value.
    pub fn contains(&self, name: &str) -> bool {
        self.top.slot(name).is_some()
    }
}
