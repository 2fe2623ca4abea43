//! The names that expressions can use, with their values.

use std::collections::BTreeMap;
use std::sync::Arc;

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

/// The names that an expression can use, with their values. Cheap to copy: a copy that is changed keeps
/// what it shares below what is its own.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    top: Arc<Layer>,
}

#[derive(Debug, Default)]
struct Layer {
    values: BTreeMap<String, Value>,
    below: Option<Arc<Layer>>,
    depth: usize,
}

/// Layers that are looked through before they are joined.
const DEPTH: usize = 6;

impl Layer {
    fn get(&self, name: &str) -> Option<&Value> {
        self.values
            .get(name)
            .or_else(|| self.below.as_ref().and_then(|below| below.get(name)))
    }

    fn all(&self) -> BTreeMap<String, Value> {
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
        if let Some(own) = Arc::get_mut(&mut self.top) {
            own.values.insert(name.into(), value.0);
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
        layer.values.insert(name.into(), value.0);
        self.top = Arc::new(layer);
    }

    /// Takes every name of the other scope.
    pub fn extend(&mut self, other: &Scope) {
        for (name, value) in other.top.all() {
            self.put(name, Data(value));
        }
    }

    /// Gives `new` the value of `name`, if it has one.
    pub fn alias(&mut self, new: &str, name: &str) {
        if let Some(value) = self.top.get(name).cloned() {
            self.put(new, Data(value));
        }
    }

    /// Takes one name from another scope, if it has a value there.
    pub fn take(&mut self, name: &str, from: &Scope) {
        if let Some(value) = from.top.get(name).cloned() {
            self.put(name, Data(value));
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
            .filter_map(|(name, value)| Some((name, to_json(&value).ok().flatten()?)))
            .collect()
    }

    /// Whether the name has a value.
    pub fn contains(&self, name: &str) -> bool {
        self.top.get(name).is_some()
    }
}
