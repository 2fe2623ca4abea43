//! What a run is pointed at: endpoint, profile, variables, identities, limits. Plain data.

pub mod clouds;
pub mod file;
pub mod keys;
pub mod keystone;
pub mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use self::settings::{Identity, Network, Pace, Settings};
use crate::secret::Secrets;
use crate::suite::model::{Profile, Suite};
use crate::template::Scope;

/// Where requests go and who sends them.
#[derive(Debug, Clone)]
pub struct Target {
    /// Scheme, host, port and base path, without a slash at the end.
    pub endpoint: String,
    /// The dialect that it is held to.
    pub profile: Option<Arc<Profile>>,
    /// The suite's variables with their values.
    pub variables: BTreeMap<String, Json>,
    /// Header fields by identity; an identity that is not here is not configured.
    pub identities: BTreeMap<String, Vec<(String, String)>>,
    /// Identities that prove themselves anew with each request; their fields above hold a [`placeholder`].
    pub credentials: BTreeMap<String, Identity>,
    /// Identities that are not configured, with the reason where there is one.
    pub unconfigured: BTreeMap<String, String>,
    /// How it is reached.
    pub network: Network,
    /// How fast.
    pub pace: Pace,
    /// Texts that must reach no report, with the name to show instead.
    pub secrets: Secrets,
    /// How long things may take.
    pub limits: Limits,
}

/// How long things may take, and how large an answer may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// One request with its answer.
    pub request: Duration,
    /// One case, clean-up aside, unless the scenario says otherwise.
    pub case: Duration,
    /// The clean-up of one case.
    pub clean_up: Duration,
    /// The content of an answer, in bytes.
    pub answer: usize,
}

impl Limits {
    /// 30 s a request, 5 min a case, 5 min its clean-up, 8 MiB an answer.
    pub const STANDARD: Self = Self {
        request: Duration::from_secs(30),
        case: Duration::from_secs(300),
        clean_up: Duration::from_secs(300),
        answer: 8 << 20,
    };
}

/// A target that cannot be formed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The endpoint is no absolute HTTP URL.
    #[error(
        "`{endpoint}` is no endpoint: {why}; write it like https://elb.example.com or http://127.0.0.1:8080/base"
    )]
    Endpoint {
        /// As given.
        endpoint: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The suite has no such profile.
    #[error("the suite {suite} has no profile `{name}`; it has: {known}")]
    Profile {
        /// As given.
        name: String,
        /// The suite's name.
        suite: String,
        /// The profiles that it has.
        known: String,
    },
    /// The suite declares no such variable.
    #[error("the suite {suite} declares no variable `{name}`; it declares: {known}")]
    Variable {
        /// As given.
        name: String,
        /// The suite's name.
        suite: String,
        /// The variables that it declares.
        known: String,
    },
}

impl Target {
    /// Forms a target for a suite. `profile` is the suite's own choice where it is `None`; `variables` are
    /// set over the suite's defaults; `identities` are for a suite that declares none.
    ///
    /// # Errors
    /// An endpoint that is no HTTP URL, or a profile or variable that the suite does not know.
    pub fn new(
        suite: &Suite,
        endpoint: &str,
        profile: Option<&str>,
        variables: &BTreeMap<String, Json>,
        limits: Limits,
    ) -> Result<Self, TargetError> {
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        check_endpoint(&endpoint)?;
        let list = |names: Vec<&String>| {
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.into_iter().cloned().collect::<Vec<_>>().join(", ")
            }
        };
        let profile = match profile.or(suite.default_profile.as_deref()) {
            None => None,
            Some(name) => {
                Some(
                    suite
                        .profiles
                        .get(name)
                        .cloned()
                        .ok_or_else(|| TargetError::Profile {
                            name: name.to_owned(),
                            suite: suite.name.clone(),
                            known: list(suite.profiles.keys().collect()),
                        })?,
                )
            }
        };
        let mut values: BTreeMap<String, Json> = suite
            .variables
            .iter()
            .filter_map(|(name, variable)| Some((name.clone(), variable.default.clone()?)))
            .collect();
        for (name, value) in variables {
            if !suite.variables.contains_key(name) && !suite.variables.is_empty() {
                return Err(TargetError::Variable {
                    name: name.clone(),
                    suite: suite.name.clone(),
                    known: list(suite.variables.keys().collect()),
                });
            }
            values.insert(name.clone(), value.clone());
        }
        let mut scope = Scope::new();
        values
            .iter()
            .for_each(|(name, value)| scope.set(name.as_str(), value));
        let mut identities = BTreeMap::new();
        let mut unconfigured = BTreeMap::new();
        let elsewhere = !is_loopback(&endpoint);
        for (name, rule) in &suite.identities {
            let roots = rule
                .headers
                .iter()
                .flat_map(|(_, template)| template.exprs())
                .flat_map(|expr| expr.roots());
            let is_set = |root: &str| {
                // The secrets of a suite are those of an emulator, and nobody's elsewhere.
                let known = suite.variables.get(root);
                let own = elsewhere && known.is_some_and(|variable| variable.secret);
                let value = values.get(root);
                value.is_some_and(|value| !value.is_null() && value != "")
                    && (!own || variables.contains_key(root))
            };
            let missing: Vec<&str> = roots.filter(|root| !is_set(root)).collect();
            if !missing.is_empty() {
                unconfigured.insert(name.clone(), format!("{} is not set", missing.join(", ")));
            } else {
                let headers = rule
                    .headers
                    .iter()
                    .filter_map(|(name, template)| {
                        Some((name.clone(), template.text(&scope).ok()?))
                    })
                    .collect();
                identities.insert(name.clone(), headers);
            }
        }
        let secrets = Secrets::new(
            suite
                .variables
                .iter()
                .filter(|(_, variable)| variable.secret)
                .filter_map(|(name, _)| {
                    Some((
                        values
                            .get(name)?
                            .as_str()
                            .filter(|value| !value.is_empty())?
                            .to_owned(),
                        name.clone(),
                    ))
                }),
        );
        Ok(Self {
            endpoint,
            profile,
            variables: values,
            identities,
            credentials: BTreeMap::new(),
            unconfigured,
            network: Network::default(),
            pace: Pace::default(),
            secrets,
            limits,
        })
    }

    /// The same with what a target file says of identities, network, pace and times.
    pub fn with(mut self, settings: &Settings) -> Self {
        for (name, why) in &settings.unconfigured {
            self.identities.remove(name);
            self.unconfigured.insert(name.clone(), why.clone());
        }
        for (name, identity) in &settings.identities {
            self.set_identity(name, identity.clone());
        }
        self.network = settings.network.clone();
        self.pace = settings.pace.clone();
        let times = &settings.timeouts;
        self.limits.request = times.request.unwrap_or(self.limits.request);
        self.limits.case = times.case.unwrap_or(self.limits.case);
        self.limits.clean_up = times.clean_up.unwrap_or(self.limits.clean_up);
        self
    }

    /// Says how somebody proves who it is.
    pub fn set_identity(&mut self, name: &str, identity: Identity) {
        self.unconfigured.remove(name);
        let field = |field: &str| vec![(field.to_owned(), placeholder(name))];
        let (headers, secrets): (_, Vec<(String, String)>) = match &identity {
            Identity::Headers(headers) => {
                let secrets = headers.iter();
                let secrets =
                    secrets.map(|(field, value)| (value.clone(), format!("{field} of {name}")));
                (headers.clone(), secrets.collect())
            }
            Identity::Keystone(keystone) => {
                let secrets = keystone.secrets.iter();
                let secrets =
                    secrets.map(|(value, what)| (value.clone(), format!("{what} of {name}")));
                (field("X-Auth-Token"), secrets.collect())
            }
            Identity::Signature(keys) => {
                let secret = (keys.secret_key.clone(), format!("secret_key of {name}"));
                (field("Authorization"), vec![secret])
            }
            Identity::Cloud(_) => return,
        };
        self.secrets.extend(secrets);
        self.identities.insert(name.to_owned(), headers);
        self.credentials.insert(name.to_owned(), identity);
    }

    /// Whether the endpoint is this machine by its very address, or by the name `localhost`.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.endpoint)
    }

    /// The profile's name.
    pub fn profile_name(&self) -> Option<&str> {
        self.profile.as_ref().map(|profile| profile.name.as_str())
    }

    /// The names that every expression of a run may use, but for those of one case.
    pub fn scope(&self) -> Scope {
        let mut scope = Scope::new();
        self.variables
            .iter()
            .for_each(|(name, value)| scope.set(name.as_str(), value));
        let mut profile = self
            .profile
            .as_ref()
            .and_then(|profile| profile.features.as_object().cloned())
            .unwrap_or_default();
        if let Some(own) = &self.profile {
            profile.insert("name".to_owned(), own.name.clone().into());
            profile.insert("title".to_owned(), own.title.clone().into());
        }
        scope.set("profile", &Json::Object(profile));
        scope
    }
}

/// What stands in a request for the proof of an identity, until it is sent. No text from outside begins so.
pub fn placeholder(identity: &str) -> String {
    format!("\u{1}{identity}")
}

fn is_loopback(endpoint: &str) -> bool {
    let uri = endpoint.parse::<http::Uri>();
    let host = uri.as_ref().ok().and_then(|uri| uri.host()).unwrap_or("");
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

fn check_endpoint(endpoint: &str) -> Result<(), TargetError> {
    let wrong = |why| {
        Err(TargetError::Endpoint {
            endpoint: endpoint.to_owned(),
            why,
        })
    };
    let Ok(uri) = endpoint.parse::<http::Uri>() else {
        return wrong("it is no URL");
    };
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(authority)) if !authority.host().is_empty() => {
            if authority.as_str().contains('@') {
                return wrong("credentials do not belong into it");
            }
            if uri.query().is_some() {
                return wrong("a query does not belong into it");
            }
            Ok(())
        }
        (None, _) => wrong("it has no scheme"),
        (Some("http" | "https"), _) => wrong("it has no host"),
        _ => wrong("its scheme is neither http nor https"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_said_by_the_address_or_by_its_one_name() {
        for (endpoint, loopback) in [
            ("http://127.0.0.1:1", true),
            ("http://127.9.9.9/base", true),
            ("https://[::1]:1", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://LocalHost:80", true),
            ("http://localhost.example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("http://0.0.0.0", false),
            ("http://10.0.0.1", false),
            ("http://[::2]", false),
        ] {
            assert_eq!(is_loopback(endpoint), loopback, "{endpoint}");
        }
    }

    #[test]
    fn an_endpoint_is_an_absolute_http_url_without_credentials() {
        for good in [
            "http://127.0.0.1:8080",
            "https://elb.example.com/base",
            "http://[::1]:80",
        ] {
            assert_eq!(check_endpoint(good), Ok(()), "{good}");
        }
        for bad in [
            "127.0.0.1:8080",
            "ftp://x",
            "http://",
            "http://u:p@x",
            "http://x/?a=1",
            "",
            "a b",
        ] {
            assert!(check_endpoint(bad).is_err(), "{bad}");
        }
    }
}
