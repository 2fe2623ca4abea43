//! What a Keystone v3 asks of whoever wants a token: plain data, from whichever source names it.

use serde_json::{Map, Value as Json, json};

/// Where to ask for a token, and with which proof.
#[derive(Debug, Clone, PartialEq)]
pub struct Keystone {
    /// Where the service is; with or without `/v3`.
    pub auth_url: String,
    /// The value of `auth` in the request for a token.
    pub auth: Json,
    /// The region whose endpoints count; the first that there is, where none is named.
    pub region: Option<String>,
    /// Which of the endpoints: `public`, `internal` or `admin`.
    pub interface: String,
    /// What must reach no report, with the name to show instead.
    pub secrets: Vec<(String, &'static str)>,
}

/// The names that a source may use: those of `clouds.yaml` and, in capitals after `OS_`, of the environment.
pub const NAMES: &[&str] = &[
    "auth_url",
    "username",
    "user_id",
    "user_domain_name",
    "user_domain_id",
    "password",
    "project_name",
    "project_id",
    "project_domain_name",
    "project_domain_id",
    "domain_name",
    "domain_id",
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
    "token",
    "region_name",
    "interface",
];

/// Those whose values are secrets.
pub const SECRET: &[&str] = &["password", "application_credential_secret", "token"];

impl Keystone {
    /// What the names come to, or everything that is missing or does not go together.
    pub fn of(get: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<String>> {
        let get = |name: &str| get(name).filter(|value| !value.is_empty());
        let mut wrong = Vec::new();
        let mut secrets = Vec::new();
        for name in SECRET {
            secrets.extend(get(name).map(|value| (value, *name)));
        }
        let auth_url = get("auth_url").unwrap_or_default();
        if !(auth_url.starts_with("http://") || auth_url.starts_with("https://")) {
            wrong.push(
                "`auth_url` is missing, or no URL that begins with http:// or https://".to_owned(),
            );
        }
        // A domain of its own, else the one of everything.
        let domain = |own: &str| {
            let named = |kind: &str| {
                get(&format!("{own}_domain_{kind}")).or_else(|| get(&format!("domain_{kind}")))
            };
            match (named("id"), named("name")) {
                (Some(id), _) => json!({"id": id}),
                (None, Some(name)) => json!({"name": name}),
                (None, None) => json!({"id": "default"}),
            }
        };
        let user = || match (get("user_id"), get("username")) {
            (Some(id), _) => Some(Map::from_iter([("id".to_owned(), id.into())])),
            (None, Some(name)) => Some(Map::from_iter([
                ("name".to_owned(), name.into()),
                ("domain".to_owned(), domain("user")),
            ])),
            (None, None) => None,
        };
        let credential = get("application_credential_id").or(get("application_credential_name"));
        let mut scoped = true;
        let identity = if credential.is_some() {
            // It is of one project, and asking for that once more is refused.
            scoped = false;
            let mut own = Map::new();
            match get("application_credential_id") {
                Some(id) => drop(own.insert("id".to_owned(), id.into())),
                None => {
                    own.insert("name".to_owned(), credential.into());
                    match user() {
                        Some(user) => drop(own.insert("user".to_owned(), user.into())),
                        None => wrong.push("an application credential that is known by its name needs `user_id`, or `username`".to_owned()),
                    }
                }
            }
            match get("application_credential_secret") {
                Some(secret) => drop(own.insert("secret".to_owned(), secret.into())),
                None => wrong.push("`application_credential_secret` is missing".to_owned()),
            }
            json!({"methods": ["application_credential"], "application_credential": own})
        } else if let Some(token) = get("token") {
            json!({"methods": ["token"], "token": {"id": token}})
        } else {
            let mut own = user().unwrap_or_else(|| {
                wrong.push("`username` or `user_id` is missing; or give `application_credential_id`, or `token`".to_owned());
                Map::new()
            });
            match get("password") {
                Some(password) => drop(own.insert("password".to_owned(), password.into())),
                None => wrong.push("`password` is missing".to_owned()),
            }
            json!({"methods": ["password"], "password": {"user": own}})
        };
        let mut auth = json!({"identity": identity});
        let project = match (get("project_id"), get("project_name")) {
            (Some(id), _) => Some(json!({"id": id})),
            (None, Some(name)) => Some(json!({"name": name, "domain": domain("project")})),
            (None, None) => None,
        };
        match project {
            Some(project) if scoped => auth["scope"] = json!({"project": project}),
            None if scoped => wrong.push(
                "`project_name` or `project_id` is missing: objects belong to a project".to_owned(),
            ),
            _ => {}
        }
        let interface = get("interface").unwrap_or_else(|| "public".to_owned());
        let interface = interface.trim_end_matches("URL").to_owned();
        if !["public", "internal", "admin"].contains(&interface.as_str()) {
            wrong.push(format!(
                "`interface` is `{interface}`, and not public, internal or admin"
            ));
        }
        if wrong.is_empty() {
            Ok(Self {
                auth_url: auth_url.trim_end_matches('/').to_owned(),
                auth,
                region: get("region_name"),
                interface,
                secrets,
            })
        } else {
            Err(wrong)
        }
    }

    /// Where tokens are asked for.
    pub fn tokens_url(&self) -> String {
        let base = self.auth_url.trim_end_matches("/auth/tokens");
        let versioned = base.ends_with("/v3");
        format!("{base}{}/auth/tokens", if versioned { "" } else { "/v3" })
    }

    /// The endpoint of a service in a catalogue, as a token's answer tells it: its URL, without the version.
    ///
    /// # Errors
    /// The types that the catalogue has instead, or why none of the endpoints will do.
    pub fn endpoint(&self, token: &Json, service: &str) -> Result<String, String> {
        let catalogue = token["catalog"].as_array().cloned().unwrap_or_default();
        let fits = |it: &Json| it["type"] == service || it["name"] == service;
        let mut of_service = catalogue.iter().filter(|it| fits(it)).peekable();
        if of_service.peek().is_none() {
            let mut types: Vec<&str> = catalogue
                .iter()
                .filter_map(|it| it["type"].as_str())
                .collect();
            types.sort_unstable();
            return Err(format!(
                "the catalogue lists no service `{service}`; it lists: {}",
                if types.is_empty() {
                    "none".to_owned()
                } else {
                    types.join(", ")
                }
            ));
        }
        let endpoints: Vec<&Json> = of_service
            .flat_map(|it| it["endpoints"].as_array().into_iter().flatten())
            .collect();
        let found = endpoints.iter().find(|endpoint| {
            let region = || {
                endpoint["region_id"]
                    .as_str()
                    .or(endpoint["region"].as_str())
            };
            endpoint["interface"] == self.interface.as_str()
                && self
                    .region
                    .as_deref()
                    .is_none_or(|own| region() == Some(own))
        });
        match found.and_then(|endpoint| endpoint["url"].as_str()) {
            Some(url) => {
                let url = url.trim_end_matches('/');
                Ok(url
                    .strip_suffix("/v2.0")
                    .or(url.strip_suffix("/v2"))
                    .unwrap_or(url)
                    .to_owned())
            }
            None => Err(format!(
                "the catalogue lists `{service}`, but not its {} endpoint{}",
                self.interface,
                self.region
                    .as_ref()
                    .map(|region| format!(" in {region}"))
                    .unwrap_or_default()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[(&str, &str)]) -> Result<Keystone, Vec<String>> {
        Keystone::of(|name| {
            values
                .iter()
                .find(|(own, _)| *own == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn each_proof_is_asked_for_as_the_api_wants_it() {
        let url = ("auth_url", "https://iam.example.com/v3/");
        let password = of(&[
            url,
            ("username", "u"),
            ("password", "p"),
            ("user_domain_name", "D"),
            ("project_name", "eu-de"),
            ("region_name", "eu-de"),
        ])
        .expect("all is there");
        assert_eq!(
            password.auth,
            json!({
                "identity": {"methods": ["password"], "password": {"user": {"name": "u", "domain": {"name": "D"}, "password": "p"}}},
                "scope": {"project": {"name": "eu-de", "domain": {"id": "default"}}},
            })
        );
        assert_eq!(password.secrets, [("p".to_owned(), "password")]);
        assert_eq!(
            password.tokens_url(),
            "https://iam.example.com/v3/auth/tokens"
        );
        let credential = of(&[
            ("auth_url", "http://h/identity"),
            ("application_credential_id", "i"),
            ("application_credential_secret", "s"),
            ("project_name", "of no use"),
        ])
        .expect("all is there");
        assert_eq!(
            credential.auth,
            json!({"identity": {"methods": ["application_credential"], "application_credential": {"id": "i", "secret": "s"}}})
        );
        assert_eq!(credential.tokens_url(), "http://h/identity/v3/auth/tokens");
        let token = of(&[url, ("token", "t"), ("project_id", "1")]).expect("all is there");
        assert_eq!(
            token.auth,
            json!({"identity": {"methods": ["token"], "token": {"id": "t"}}, "scope": {"project": {"id": "1"}}})
        );
    }

    #[test]
    fn everything_that_is_missing_is_told_at_once() {
        let wrong = of(&[("interface", "secret")]).expect_err("nothing is there");
        assert_eq!(wrong.len(), 5, "{wrong:?}");
        let wrong = of(&[
            ("auth_url", "http://h"),
            ("application_credential_name", "n"),
        ]);
        assert_eq!(wrong.expect_err("a user and a secret are missing").len(), 2);
    }

    #[test]
    fn the_catalogue_gives_the_endpoint_of_the_region_and_the_interface() {
        let mut keystone = of(&[
            ("auth_url", "http://h"),
            ("token", "t"),
            ("project_id", "1"),
        ])
        .expect("all is there");
        let endpoint = |interface: &str, region: &str, url: &str| json!({"interface": interface, "region_id": region, "url": url});
        let token = json!({"catalog": [
            {"type": "identity", "endpoints": []},
            {"type": "load-balancer", "name": "octavia", "endpoints": [
                endpoint("internal", "one", "http://internal"),
                endpoint("public", "one", "http://one/lb/v2.0/"),
                endpoint("public", "two", "http://two"),
            ]},
        ]});
        assert_eq!(
            keystone.endpoint(&token, "load-balancer").as_deref(),
            Ok("http://one/lb")
        );
        keystone.region = Some("two".to_owned());
        assert_eq!(
            keystone.endpoint(&token, "octavia").as_deref(),
            Ok("http://two")
        );
        keystone.region = Some("three".to_owned());
        let wrong = keystone
            .endpoint(&token, "octavia")
            .expect_err("no such region");
        assert!(wrong.ends_with("its public endpoint in three"), "{wrong}");
        let wrong = keystone
            .endpoint(&token, "elb")
            .expect_err("no such service");
        assert!(
            wrong.ends_with("it lists: identity, load-balancer"),
            "{wrong}"
        );
    }
}
