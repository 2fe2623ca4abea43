//! The identity service beside the API: a Keystone v3 that issues tokens, small but by the book.
//!
//! Every identity of the emulator is a user: `assize-owner` is the user `owner` with the password
//! `assize-owner`, and an application credential `owner` with that secret.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use http::request::Parts;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::config::Identity;
use super::dialect::Answer;
use super::store::Random;

/// Where tokens are issued and shown.
const TOKENS: &str = "/v3/auth/tokens";

/// The only domain.
const DOMAIN: &str = "default";

/// So many tokens are remembered. Beyond that those are forgotten that have ended, or else those that end first.
const MOST: usize = 10_000;

/// All tokens that were issued.
pub(super) struct Keystone {
    life: Duration,
    base: String,
    random: Random,
    issued: BTreeMap<String, (Identity, Timestamp)>,
}

/// Why nobody gets a token, in Keystone's words.
struct Refused(u16, &'static str, String);

impl Keystone {
    pub(super) fn new(life: Duration, base: String, seed: u64) -> Self {
        Self {
            life,
            base,
            random: Random::new(seed ^ 0x6b65_7973),
            issued: BTreeMap::new(),
        }
    }

    /// Whom an issued token belongs to, while it lives.
    pub(super) fn identity(&self, token: &str, now: Timestamp) -> Option<&Identity> {
        let (identity, end) = self.issued.get(token)?;
        (now < *end).then_some(identity)
    }

    /// The path of a request to the identity service; `None` for any other.
    pub(super) fn path(parts: &Parts) -> Option<&str> {
        let path = parts.uri.path().trim_end_matches('/');
        matches!(path, "/v3" | TOKENS).then_some(path)
    }

    /// Answers a request of the identity service, to one of its paths.
    pub(super) fn answer(
        &mut self,
        path: &str,
        parts: &Parts,
        body: &[u8],
        identities: &[Identity],
        now: Timestamp,
    ) -> Answer {
        let answered = match (path, &parts.method) {
            ("/v3", &Method::GET) => Ok(Answer::json(200, json!({"version": self.version()}))),
            (TOKENS, &Method::POST) => self.issue(body, identities, now),
            (TOKENS, &Method::GET) => self.show(parts, now),
            _ => Err(Refused(
                405,
                "Method Not Allowed",
                "The method is not allowed for the requested URL.".to_owned(),
            )),
        };
        answered.unwrap_or_else(|Refused(code, title, message)| {
            let error = json!({"error": {"code": code, "title": title, "message": message}});
            Answer::json(code, error)
        })
    }

    fn version(&self) -> Value {
        json!({
            "id": "v3.14",
            "status": "stable",
            "updated": "2020-04-07T00:00:00Z",
            "links": [{"rel": "self", "href": format!("{}/v3/", self.base)}],
            "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
        })
    }

    fn issue(
        &mut self,
        body: &[u8],
        identities: &[Identity],
        now: Timestamp,
    ) -> Result<Answer, Refused> {
        let malformed = |what: &str| {
            let message = format!(
                "{what}. The server could not comply with the request since it is either malformed or otherwise incorrect."
            );
            Refused(400, "Bad Request", message)
        };
        let content: Value =
            serde_json::from_slice(body).map_err(|_| malformed("Expecting JSON"))?;
        let auth = &content["auth"];
        let proof = &auth["identity"];
        let methods = proof["methods"].as_array();
        let [method] = methods.map(Vec::as_slice).unwrap_or_default() else {
            return Err(malformed("Expecting one method in identity"));
        };
        let denied = || {
            let message = "The request you have made requires authentication.".to_owned();
            Refused(401, "Unauthorized", message)
        };
        let method = method.as_str().unwrap_or_default();
        let identity = match method {
            "password" => {
                let user = &proof["password"]["user"];
                let named = |it: &&Identity| {
                    user["id"] == user_of(it)
                        || user["name"] == user_of(it) && is_domain(&user["domain"])
                };
                let known = identities.iter().find(named);
                known.filter(|it| user["password"] == it.token.as_str())
            }
            "application_credential" => {
                let own = &proof["application_credential"];
                let named = |it: &&Identity| own["id"] == user_of(it) || own["name"] == user_of(it);
                let known = identities.iter().find(named);
                known.filter(|it| own["secret"] == it.token.as_str())
            }
            "token" => {
                let token = proof["token"]["id"].as_str().unwrap_or_default();
                let plain = identities.iter().find(|it| it.token == token);
                plain.or_else(|| self.identity(token, now))
            }
            _ => None,
        };
        let identity = identity.ok_or_else(denied)?.clone();
        match (&auth["scope"]["project"], method) {
            (Value::Null, "application_credential") => {}
            (Value::Null, _) => return Err(malformed("Expecting a project in scope")),
            (_, "application_credential") => {
                return Err(malformed("Application credentials cannot request a scope"));
            }
            (project, _) => {
                let by_name =
                    project["name"] == project_of(&identity) && is_domain(&project["domain"]);
                if project["id"] != identity.project.as_str() && !by_name {
                    return Err(denied());
                }
            }
        }
        let end = now.checked_add(self.life).unwrap_or(Timestamp::MAX);
        let id = format!("gAAAAA{}", self.random.id().simple());
        if self.issued.len() >= MOST {
            self.issued.retain(|_, (_, end)| now < *end);
        }
        if self.issued.len() >= MOST {
            // A tenth of them, so that it is not done each time.
            let mut ends: Vec<Timestamp> = self.issued.values().map(|(_, end)| *end).collect();
            ends.sort_unstable();
            let last = ends[MOST / 10];
            self.issued.retain(|_, (_, end)| last < *end);
        }
        let content = self.token(&identity, method, now, end);
        self.issued.insert(id.clone(), (identity, end));
        let mut answer = Answer::json(201, content);
        answer.headers.push(("x-subject-token", id));
        Ok(answer)
    }

    /// Shows a token to whoever has one.
    fn show(&self, parts: &Parts, now: Timestamp) -> Result<Answer, Refused> {
        let header = |name: &str| {
            let value = parts.headers.get(name);
            value
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let denied = |code, title, message: &str| Refused(code, title, message.to_owned());
        if self.identity(header("x-auth-token"), now).is_none() {
            let message = "The request you have made requires authentication.";
            return Err(denied(401, "Unauthorized", message));
        }
        let subject = header("x-subject-token");
        match (self.issued.get(subject), self.identity(subject, now)) {
            (Some((_, end)), Some(identity)) => {
                let begin = end.checked_sub(self.life).unwrap_or(now);
                let mut answer = Answer::json(200, self.token(identity, "password", begin, *end));
                answer.headers.push(("x-subject-token", subject.to_owned()));
                Ok(answer)
            }
            _ => Err(denied(404, "Not Found", "Could not find token.")),
        }
    }

    fn token(&self, identity: &Identity, method: &str, begin: Timestamp, end: Timestamp) -> Value {
        let domain = json!({"id": DOMAIN, "name": "Default"});
        let user = user_of(identity);
        let time = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        let service = |kind: &str, name: &str, url: String| {
            let endpoints: Vec<Value> = ["public", "internal", "admin"]
                .iter()
                .map(|interface| json!({"id": format!("{name}-{interface}"), "interface": interface, "region": "RegionOne", "region_id": "RegionOne", "url": url}))
                .collect();
            json!({"id": name, "type": kind, "name": name, "endpoints": endpoints})
        };
        json!({"token": {
            "methods": [method],
            "user": {"id": user, "name": user, "domain": domain, "password_expires_at": null},
            "project": {"id": identity.project, "name": project_of(identity), "domain": domain},
            "is_domain": false,
            "roles": [{"id": "member", "name": "member"}],
            "issued_at": time(begin),
            "expires_at": time(end),
            "audit_ids": [],
            "catalog": [
                service("identity", "keystone", format!("{}/v3/", self.base)),
                service("load-balancer", "octavia", self.base.clone()),
            ],
        }})
    }
}

fn user_of(identity: &Identity) -> &str {
    identity
        .token
        .strip_prefix("assize-")
        .unwrap_or(&identity.token)
}

/// The name of a project: that of its user, but for those who share one.
fn project_of(identity: &Identity) -> &str {
    match user_of(identity) {
        "readonly" => "owner",
        name => name,
    }
}

fn is_domain(domain: &Value) -> bool {
    let of = |key: &str| domain[key].as_str().unwrap_or_default();
    of("id") == DOMAIN || of("name").eq_ignore_ascii_case(DOMAIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::{Config, Dialect};

    #[test]
    fn of_too_many_tokens_the_first_are_forgotten() {
        let identities = Config::new(Dialect::Octavia).identities;
        let mut keystone = Keystone::new(Duration::from_secs(3600), String::new(), 0);
        let proof = json!({"auth": {
            "identity": {"methods": ["token"], "token": {"id": "assize-owner"}},
            "scope": {"project": {"id": identities[0].project}},
        }});
        let proof = proof.to_string();
        let mut now = Timestamp::UNIX_EPOCH;
        let mut issue = |keystone: &mut Keystone| {
            now += Duration::from_millis(1);
            let Ok(answer) = keystone.issue(proof.as_bytes(), &identities, now) else {
                panic!("no token");
            };
            let (_, token) = answer.headers.last().expect("a token");
            (token.clone(), now)
        };
        let (first, _) = issue(&mut keystone);
        let (mut last, mut time) = issue(&mut keystone);
        for _ in 0..3 * MOST {
            (last, time) = issue(&mut keystone);
            assert!(keystone.identity(&last, time).is_some());
        }
        assert!(keystone.issued.len() <= MOST);
        assert!(keystone.issued.len() > MOST / 2);
        assert!(keystone.identity(&first, time).is_none());
        assert!(keystone.identity(&last, time).is_some());
    }
}
