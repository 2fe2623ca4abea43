//! What a run is pointed at: endpoint, profile, variables, identities, limits. Plain data.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

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
        for (name, rule) in &suite.identities {
            let configured = rule
                .headers
                .iter()
                .flat_map(|(_, template)| template.exprs())
                .flat_map(|expr| expr.roots())
                .all(|root| {
                    values
                        .get(root)
                        .is_some_and(|value| !value.is_null() && value != "")
                });
            if configured {
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
            secrets,
            limits,
        })
    }

    /// Whether the endpoint is this machine by its very address, or by the name `localhost`.
    pub fn is_loopback(&self) -> bool {
        let uri = self.endpoint.parse::<http::Uri>();
        let host = uri.as_ref().ok().and_then(|uri| uri.host()).unwrap_or("");
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let address = host.parse::<std::net::IpAddr>();
        host.eq_ignore_ascii_case("localhost")
            || address.is_ok_and(|address| address.to_canonical().is_loopback())
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
