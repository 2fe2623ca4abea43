//! The names that expressions can use, with their values.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Deref;
use std::sync::{Arc, LazyLock, OnceLock};

use minijinja::value::{Enumerator, Object, Value};
use serde_json::Value as Json;

/// A value that many expressions may ask for: as `minijinja` sees it, it is made when the first one asks. Cheap to
/// copy.
#[derive(Debug, Clone)]
pub struct Shared(Arc<dyn Kept>);

/// A value in whatever keeps it.
trait Kept: Debug + Send + Sync {
    /// As JSON.
    fn json(&self) -> &Json;
    /// As `minijinja` sees it.
    fn value(&self) -> &Value;
    /// What it is made of.
    fn parts(&self) -> Parts<'_> {
        Parts::Json(self.json())
    }
}

/// What a value is made of.
pub(super) enum Parts<'a> {
    Json(&'a Json),
    List(&'a [Shared]),
    Map(&'a [(Arc<str>, Shared)]),
}

impl<T: Borrow<Json> + Debug + Send + Sync> Kept for (T, OnceLock<Value>) {
    fn json(&self) -> &Json {
        self.0.borrow()
    }

    fn value(&self) -> &Value {
        let made = || Value::from(minijinja::value::Serde(self.json()));
        self.1.get_or_init(made)
    }
}

/// Values that are kept already, in a list or by name.
#[derive(Debug)]
struct Group<T> {
    parts: Vec<T>,
    json: OnceLock<Json>,
    value: OnceLock<Value>,
}

impl<T> Group<T> {
    fn of(parts: Vec<T>) -> Self {
        Self {
            parts,
            json: OnceLock::new(),
            value: OnceLock::new(),
        }
    }
}

impl Kept for Group<Shared> {
    fn json(&self) -> &Json {
        let items = || self.parts.iter().map(|item| Json::clone(item));
        self.json.get_or_init(|| items().collect())
    }

    fn value(&self) -> &Value {
        let items = || self.parts.iter().map(|item| item.value().clone());
        self.value.get_or_init(|| items().collect())
    }

    fn parts(&self) -> Parts<'_> {
        Parts::List(&self.parts)
    }
}

impl Kept for Group<(Arc<str>, Shared)> {
    fn json(&self) -> &Json {
        let fields = || self.parts.iter();
        self.json.get_or_init(|| {
            fields()
                .map(|(name, field)| (name.to_string(), Json::clone(field)))
                .collect()
        })
    }

    fn value(&self) -> &Value {
        let fields = || self.parts.iter();
        self.value.get_or_init(|| {
            let fields = fields().map(|(name, field)| (name.to_string(), field.value().clone()));
            Value::from(fields.collect::<BTreeMap<String, Value>>())
        })
    }

    fn parts(&self) -> Parts<'_> {
        Parts::Map(&self.parts)
    }
}

type Later = LazyLock<Shared, Box<dyn FnOnce() -> Shared + Send + Sync>>;

impl Kept for Later {
    fn json(&self) -> &Json {
        self.0.json()
    }

    fn value(&self) -> &Value {
        self.0.value()
    }

    fn parts(&self) -> Parts<'_> {
        self.0.parts()
    }
}

/// A value inside another.
#[derive(Debug)]
struct Inner {
    whole: Shared,
    /// The names of the attributes that lead to it, after one for the whole.
    path: Arc<[Box<str>]>,
}

impl Borrow<Json> for Inner {
    fn borrow(&self) -> &Json {
        attribute(&self.whole, &self.path[1..]).unwrap_or(&Json::Null)
    }
}

fn attribute<'a>(whole: &'a Json, path: &[Box<str>]) -> Option<&'a Json> {
    path.iter()
        .try_fold(whole, |json, name| json.as_object()?.get(&**name))
}

impl Shared {
    /// The JSON that is kept in something else.
    pub fn in_keeping(keeper: impl Borrow<Json> + Debug + Send + Sync + 'static) -> Self {
        Self(Arc::new((keeper, OnceLock::new())))
    }

    /// A list of values.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self(Arc::new(Group::of(items.into_iter().collect())))
    }

    /// Values by name, each name once, in the order of the names.
    pub fn map(fields: impl IntoIterator<Item = (Arc<str>, Self)>) -> Self {
        Self(Arc::new(Group::of(fields.into_iter().collect())))
    }

    /// A value that is worked out when it is first asked for.
    pub fn later(value: impl FnOnce() -> Self + Send + Sync + 'static) -> Self {
        let later: Later = LazyLock::new(Box::new(value));
        Self(Arc::new(later))
    }

    pub(super) fn parts(&self) -> Parts<'_> {
        self.0.parts()
    }

    fn value(&self) -> &Value {
        self.0.value()
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

/// Few names: looking at each is cheaper than any order among them.
#[derive(Debug, Default)]
struct Layer {
    values: Vec<(Arc<str>, Shared)>,
    below: Option<Arc<Layer>>,
    depth: usize,
}

/// Layers that are looked through before they are joined.
const DEPTH: usize = 6;

impl Layer {
    fn get(&self, name: &str) -> Option<&Shared> {
        let own = self.values.iter().find(|(own, _)| **own == *name);
        match own {
            Some((_, value)) => Some(value),
            None => self.below.as_ref()?.get(name),
        }
    }

    fn set(&mut self, name: Arc<str>, value: Shared) {
        match self.values.iter_mut().find(|(own, _)| *own == name) {
            Some((_, own)) => *own = value,
            None => self.values.push((name, value)),
        }
    }

    /// Calls `visit` with every name; what is called later replaces what was before.
    fn for_each<'a>(&'a self, visit: &mut dyn FnMut(&'a Arc<str>, &'a Shared)) {
        if let Some(below) = &self.below {
            below.for_each(visit);
        }
        for (name, value) in &self.values {
            visit(name, value);
        }
    }

    fn all(&self) -> BTreeMap<&str, &Shared> {
        let mut all = BTreeMap::new();
        self.for_each(&mut |name, value| {
            all.insert(&**name, value);
        });
        all
    }
}

#[derive(Debug)]
struct View(Arc<Layer>);

impl Object for View {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_str()?).map(|it| it.value().clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.all().into_keys().map(Value::from).collect())
    }
}

impl Scope {
    /// What an evaluation by `minijinja` looks names up in.
    pub(super) fn lookup(&self) -> Value {
        Value::from_object(View(Arc::clone(&self.top)))
    }

    /// What a name leads to, with the attributes that are read of it, if it has a value.
    pub(super) fn find(&self, path: &Arc<[Box<str>]>) -> Option<Shared> {
        let (root, rest) = path.split_first()?;
        let whole = self.get(root)?;
        if rest.is_empty() {
            return Some(whole.clone());
        }
        attribute(whole, rest)?;
        Some(Shared::in_keeping(Inner {
            whole: whole.clone(),
            path: Arc::clone(path),
        }))
    }

    /// A scope without names.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a name its value; what it had before is replaced.
    pub fn set(&mut self, name: impl Into<Arc<str>>, value: &Json) {
        self.fill(name.into(), value.clone().into());
    }

    /// Gives a name a value that others may have, too.
    pub fn share(&mut self, name: impl Into<Arc<str>>, value: &Shared) {
        self.fill(name.into(), value.clone());
    }

    fn fill(&mut self, name: Arc<str>, value: Shared) {
        if let Some(own) = Arc::get_mut(&mut self.top) {
            return own.set(name, value);
        }
        let mut layer = Layer::default();
        if self.top.depth < DEPTH {
            layer.below = Some(Arc::clone(&self.top));
            layer.depth = self.top.depth + 1;
        } else {
            (self.top).for_each(&mut |name, value| layer.set(Arc::clone(name), value.clone()));
        }
        layer.set(name, value);
        self.top = Arc::new(layer);
    }

    /// Takes every name of the other scope.
    pub fn extend(&mut self, other: &Scope) {
        (other.top).for_each(&mut |name, value| self.fill(Arc::clone(name), value.clone()));
    }

    /// Gives `new` the value of `name`, if it has one.
    pub fn alias(&mut self, new: &str, name: &str) {
        if let Some(value) = self.top.get(name).cloned() {
            self.fill(new.into(), value);
        }
    }

    /// Takes one name from another scope, if it has a value there.
    pub fn take(&mut self, name: &str, from: &Scope) {
        if let Some(value) = from.top.get(name) {
            self.share(name, value);
        }
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&Shared> {
        self.top.get(name)
    }

    /// Every name with its value.
    pub fn values(&self) -> BTreeMap<String, Json> {
        let values = self.top.all().into_iter();
        values
            .map(|(name, value)| (name.to_owned(), Json::clone(value)))
            .collect()
    }

    /// Whether the name has a value.
    pub fn contains(&self, name: &str) -> bool {
        self.top.get(name).is_some()
    }
}
