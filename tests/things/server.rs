//! A small API of boxes with things in them, which behaves until it is given a fault.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json};

/// What is wrong with the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// 500 where a NUL is in the path.
    FailsOnNul,
    /// `?id=` names what is deleted or changed, whatever the path says.
    HeedsIdInQuery,
    /// `size` may be anything.
    AcceptsAnySize,
    /// No answer where the path has a `%zz`.
    HangsOnBadEscape,
    /// What is refused for its size is kept all the same.
    KeepsWhatItRefuses,
    /// Whoever comes without a token may read.
    ReadsWithoutToken,
    /// The largest size that there is is refused.
    RefusesLargestSize,
    /// An id is looked up by how it begins.
    LooksUpByPrefix,
    /// DELETE on the things of a box takes them all.
    DeletesAll,
    /// A refused change of a thing changes its colour.
    ChangesWhatItRefuses,
    /// `X-HTTP-Method-Override` is obeyed.
    ObeysOverride,
    /// There is room for one box.
    HasOneBox,
    /// Bodies of GET are looked into for what to show; anything else in them is a server error.
    ReadsBodyOfGet,
}

#[derive(Debug, Default)]
struct Store {
    boxes: BTreeMap<String, Value>,
    things: BTreeMap<String, Value>,
    created: usize,
    /// The most boxes that were seen at once.
    most: usize,
}

/// A running API.
pub(crate) struct Things {
    /// Scheme, host and port.
    pub(crate) url: String,
    store: Arc<Mutex<Store>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Things {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Things {
    /// Starts it on a free port.
    pub(crate) async fn start(fault: Fault) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let store = Arc::new(Mutex::new(Store::default()));
        let shared = Arc::clone(&store);
        let router = Router::new().fallback(move |State(()): State<()>, request: Request| {
            let store = Arc::clone(&shared);
            async move { handle(fault, &store, request).await }
        });
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self { url, store, task }
    }

    /// How many boxes and things there are.
    pub(crate) fn count(&self) -> usize {
        let store = self.store.lock().unwrap();
        store.boxes.len() + store.things.len()
    }

    /// How many boxes there were at once, at the most.
    pub(crate) fn most_boxes(&self) -> usize {
        self.store.lock().unwrap().most
    }

    /// How many were ever created.
    pub(crate) fn created(&self) -> usize {
        self.store.lock().unwrap().created
    }
}

fn answer(status: u16, body: &Value) -> Response {
    let body = if status == 204 {
        Body::empty()
    } else {
        Body::from(body.to_string())
    };
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    if status != 204 {
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert("content-type", json);
    }
    response
}

fn refused(status: u16) -> Response {
    answer(status, &json!({"message": "no"}))
}

async fn handle(fault: Fault, store: &Mutex<Store>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 22).await.unwrap();
    let path = parts.uri.path().to_owned();
    if fault == Fault::HangsOnBadEscape && path.contains("%zz") {
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
    if fault == Fault::FailsOnNul && path.contains("%00") {
        return refused(500);
    }
    let mut method = parts.method.as_str().to_owned();
    if fault == Fault::ObeysOverride
        && let Some(other) = parts.headers.get("x-http-method-override")
    {
        method = other.to_str().unwrap().to_owned();
    }
    if fault == Fault::ReadsBodyOfGet && method == "GET" && !body.is_empty() {
        match serde_json::from_slice::<Value>(&body) {
            Ok(Value::Object(_)) => {}
            _ => return refused(500),
        }
    }
    let open = fault == Fault::ReadsWithoutToken && method == "GET";
    if !open
        && parts
            .headers
            .get("x-token")
            .is_none_or(|token| token != "secret")
    {
        return refused(401);
    }
    let named = parts
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .find_map(|pair| pair.strip_prefix("id="));
    let named = named.filter(|_| fault == Fault::HeedsIdInQuery);
    let mut store = store.lock().unwrap();
    let store = &mut *store;
    store.most = store.most.max(store.boxes.len());
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let find = |map: &BTreeMap<String, Value>, id: &str| {
        let id = named.unwrap_or(id);
        if fault == Fault::LooksUpByPrefix && id.len() > 30 {
            return map.keys().find(|key| id.starts_with(&key[..30])).cloned();
        }
        map.contains_key(id).then(|| id.to_owned())
    };
    let parent = match segments.as_slice() {
        ["boxes", id, "things", ..] => match store.boxes.contains_key(*id) {
            true => Some((*id).to_owned()),
            false => return refused(404),
        },
        _ => None,
    };
    let (map, item) = match segments.as_slice() {
        ["boxes"] => (&mut store.boxes, None),
        ["boxes", id] => (&mut store.boxes, Some(*id)),
        ["boxes", _, "things"] => (&mut store.things, None),
        ["boxes", _, "things", id] => (&mut store.things, Some(*id)),
        _ => return refused(404),
    };
    let mut inside: BTreeMap<String, Value> = map
        .iter()
        .filter(|(_, value)| {
            parent
                .as_ref()
                .is_none_or(|parent| value["box_id"] == **parent)
        })
        .map(|(id, value)| (id.clone(), value.clone()))
        .collect();
    let kind = if parent.is_some() { "thing" } else { "box" };
    match (method.as_str(), item) {
        ("GET", None) => {
            let all: Vec<&Value> = inside.values().collect();
            answer(200, &json!({ "all": all }))
        }
        ("POST", None) if fault == Fault::HasOneBox && kind == "box" && !map.is_empty() => {
            refused(409)
        }
        ("POST", None) => {
            let value = match read(fault, kind, &body, true) {
                Ok(value) => value,
                Err(value) => {
                    if fault == Fault::KeepsWhatItRefuses
                        && let Some(value) = value
                    {
                        keep(map, &mut store.created, parent, value);
                    }
                    return refused(400);
                }
            };
            let value = keep(map, &mut store.created, parent, value);
            answer(201, &json!({ kind: value }))
        }
        ("DELETE", None) if fault == Fault::DeletesAll => {
            map.retain(|id, _| !inside.contains_key(id));
            answer(204, &Value::Null)
        }
        (method @ ("GET" | "PUT" | "DELETE"), Some(id)) => {
            let Some(id) = find(&inside, id) else {
                return refused(404);
            };
            match method {
                "GET" => answer(200, &json!({ kind: inside.remove(&id) })),
                "DELETE" => {
                    if kind == "box" && store.things.values().any(|thing| thing["box_id"] == *id) {
                        return refused(409);
                    }
                    store.boxes.remove(&id);
                    store.things.remove(&id);
                    answer(204, &Value::Null)
                }
                _ => match read(fault, kind, &body, false) {
                    Ok(Value::Object(changes)) => {
                        let object = map.get_mut(&id).unwrap();
                        for (key, value) in changes {
                            object[key] = value;
                        }
                        answer(200, &json!({ kind: object.clone() }))
                    }
                    _ => {
                        if fault == Fault::ChangesWhatItRefuses {
                            map.get_mut(&id).unwrap()["colour"] = json!("spoilt");
                        }
                        refused(400)
                    }
                },
            }
        }
        _ => refused(405),
    }
}

fn keep(
    map: &mut BTreeMap<String, Value>,
    created: &mut usize,
    parent: Option<String>,
    mut value: Value,
) -> Value {
    *created += 1;
    let id = uuid::Uuid::new_v4().to_string();
    value["id"] = json!(id);
    if let Some(parent) = parent {
        value["box_id"] = json!(parent);
    }
    map.insert(id, value.clone());
    value
}

/// The object in a body; with the error, what could be made of it all the same.
fn read(fault: Fault, kind: &str, body: &[u8], new: bool) -> Result<Value, Option<Value>> {
    let Ok(Value::Object(mut document)) = serde_json::from_slice(body) else {
        return Err(None);
    };
    let Some(Value::Object(fields)) = document.remove(kind) else {
        return Err(None);
    };
    let names: &[&str] = match (kind, new) {
        ("box", _) => &["name"],
        (_, true) => &["name", "size", "colour"],
        _ => &["size", "colour"],
    };
    let known = fields.keys().all(|key| names.contains(&key.as_str()));
    let name = fields.get("name").map_or(!new, |name| {
        name.as_str().is_some_and(|name| name.len() <= 64)
    });
    let most = if fault == Fault::RefusesLargestSize {
        9
    } else {
        10
    };
    let size = fields.get("size").is_none_or(|size| {
        fault == Fault::AcceptsAnySize
            || size.as_i64().is_some_and(|size| (1..=most).contains(&size))
    });
    let colour = fields
        .get("colour")
        .is_none_or(|colour| colour == "red" || colour == "blue");
    let value = Value::Object(fields);
    if document.is_empty() && known && name && size && colour {
        Ok(value)
    } else if known && name && !size {
        Err(Some(value))
    } else {
        Err(None)
    }
}
