//! `assize.toml`: read strictly, with everything that is wrong told at once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use toml::Spanned as TomlSpanned;
use toml::de::{DeTable, DeValue};

use super::check_endpoint;
use super::keys::SECTIONS;
use super::keystone::{self, Keystone};
use super::settings::{HttpVersion, Identity, KeyPair, Pem, Settings};
use crate::source::{Diagnostic, Source, Span, Spanned};
use crate::suite::parse_duration;

/// Where a value is to be taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin<'a> {
    /// A variable of the environment.
    Environment(&'a str),
    /// A file, relative to the one that names it.
    File(&'a str),
}

/// Finds the text that an origin stands for; `None` where the environment has no such variable.
pub type Resolve<'a> = &'a dyn Fn(Origin<'_>) -> Result<Option<String>, String>;

/// Reads a target file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(source: &Arc<Source>, resolve: Resolve<'_>) -> Result<Settings, Vec<Diagnostic>> {
    let mut reader = Reader {
        start: Span::start_of(source),
        resolve,
        found: Vec::new(),
    };
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    for error in errors {
        let span = reader.start.at(error.span().unwrap_or(0..0));
        reader.found.push(
            Diagnostic::new("toml-syntax", &span, error.message().to_owned())
                .label("here")
                .help("a target file is TOML: `key = value` lines below `[section]` lines"),
        );
    }
    if !reader.found.is_empty() {
        return Err(reader.found);
    }
    let settings = reader.settings(table.get_ref());
    if reader.found.is_empty() {
        Ok(settings)
    } else {
        Err(reader.found)
    }
}

type Value<'a> = TomlSpanned<DeValue<'a>>;

struct Reader<'r> {
    start: Span,
    resolve: Resolve<'r>,
    found: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn span(&self, range: Range<usize>) -> Span {
        self.start.at(range)
    }

    fn report(&mut self, code: &'static str, range: Range<usize>, message: String, help: &str) {
        let diagnostic = Diagnostic::new(code, &self.span(range), message).label("here");
        self.found.push(diagnostic.help(help));
    }

    fn wrong(&mut self, value: &Value<'_>, wanted: &str, help: &str) {
        let kind = value.get_ref().type_str();
        let article = if kind.starts_with(['a', 'i']) {
            "an"
        } else {
            "a"
        };
        let message = format!("this should be {wanted}, not {article} {kind}");
        self.report("wrong-type", value.span(), message, help);
    }

    /// The entries of a section whose keys are known.
    fn section<'v>(
        &mut self,
        name: &str,
        table: &'v DeTable<'v>,
    ) -> BTreeMap<&'v str, &'v Value<'v>> {
        let keys = SECTIONS.iter().find(|(section, _)| *section == name);
        let known: Vec<&str> = keys.map_or(Vec::new(), |(_, keys)| {
            keys.iter().map(|key| key.name).collect()
        });
        self.entries(name, table, &known)
    }

    fn entries<'v>(
        &mut self,
        name: &str,
        table: &'v DeTable<'v>,
        known: &[&str],
    ) -> BTreeMap<&'v str, &'v Value<'v>> {
        let mut entries = BTreeMap::new();
        for (key, value) in table.iter() {
            let written: &str = key.get_ref();
            if known.contains(&written) {
                entries.insert(written, value);
                continue;
            }
            let place = if name.is_empty() {
                "a target file".to_owned()
            } else {
                format!("[{name}]")
            };
            let mut diagnostic = Diagnostic::new(
                "unknown-key",
                &self.span(key.span()),
                format!("unknown key `{written}` in {place}"),
            )
            .label("not known here")
            .nearest(written, known.iter().copied());
            if diagnostic.help.is_none() {
                diagnostic = diagnostic.help(format!("known keys: {}", known.join(", ")));
            }
            self.found.push(diagnostic);
        }
        entries
    }

    fn table<'v>(&mut self, value: &'v Value<'v>) -> Option<&'v DeTable<'v>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong(
                value,
                "a section",
                "write `key = value` lines below a line with its name in brackets",
            );
        }
        table
    }

    fn text(&mut self, value: &Value<'_>) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(value, "text", "write it between quotation marks");
        }
        text
    }

    fn truth(&mut self, value: &Value<'_>) -> Option<bool> {
        let truth = value.get_ref().as_bool();
        if truth.is_none() {
            self.wrong(value, "true or false", "write it without quotation marks");
        }
        truth
    }

    fn number(&mut self, value: &Value<'_>) -> Option<f64> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .ok()
                .map(|number| number as f64),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number: &f64| number.is_finite() && *number > 0.0);
        if number.is_none() {
            self.wrong(
                value,
                "a number above 0",
                "write it without quotation marks",
            );
        }
        number
    }

    fn count(&mut self, value: &Value<'_>, most: u16) -> Option<u16> {
        let number = self.number(value)?;
        if number.fract() != 0.0 || number > f64::from(most) {
            self.report(
                "wrong-type",
                value.span(),
                format!("{number} is no whole number up to {most}"),
                "write a smaller one",
            );
            return None;
        }
        Some(number as u16)
    }

    fn duration(&mut self, value: &Value<'_>) -> Option<Duration> {
        let time = value.get_ref().as_str().and_then(parse_duration);
        if time.is_none() {
            self.report(
                "bad-duration",
                value.span(),
                "this is no time".to_owned(),
                "write text such as \"250ms\", \"5s\", \"2m\" or \"1h\"",
            );
        }
        time
    }

    /// What `{ env = … }` or `{ file = … }` stands for; `Err` for an unset variable, by its name.
    fn origin(&mut self, value: &Value<'_>) -> Option<Result<String, String>> {
        let table = value.get_ref().as_table()?;
        let entries = self.entries("a value from elsewhere", table, &["env", "file"]);
        let (origin, place) = match (entries.get("env"), entries.get("file")) {
            (Some(env), None) => (self.text(env)?, *env),
            (None, Some(file)) => (self.text(file)?, *file),
            _ => {
                self.report(
                    "wrong-type",
                    value.span(),
                    "this names no one place to take a value from".to_owned(),
                    "write { env = \"NAME\" } or { file = \"path\" }",
                );
                return None;
            }
        };
        let environment = entries.contains_key("env");
        let wanted = if environment {
            Origin::Environment(&origin)
        } else {
            Origin::File(&origin)
        };
        match (self.resolve)(wanted) {
            Ok(Some(text)) => Some(Ok(text)),
            Ok(None) => Some(Err(origin)),
            Err(why) => {
                self.report(
                    "unreadable",
                    place.span(),
                    why,
                    "name a file that can be read, relative to this one",
                );
                None
            }
        }
    }

    /// A secret, which may not stand in the file itself.
    fn secret(&mut self, value: &Value<'_>) -> Option<Result<String, String>> {
        if value.get_ref().is_table() {
            return self.origin(value);
        }
        self.report(
            "secret-in-file",
            value.span(),
            "a secret does not belong into this file".to_owned(),
            "say where it is instead: { env = \"NAME\" } or { file = \"path\" }",
        );
        None
    }

    fn settings(&mut self, table: &DeTable<'_>) -> Settings {
        let mut settings = Settings::default();
        let top = self.section("", table);
        for (name, value) in top {
            match name {
                "suite" => settings.suite = self.text(value),
                "endpoint" => {
                    settings.endpoint = self.text(value);
                    let checked = settings
                        .endpoint
                        .as_deref()
                        .map(|it| check_endpoint(it.trim_end_matches('/')));
                    if let Some(Err(error)) = checked {
                        self.report(
                            "bad-endpoint",
                            value.span(),
                            error.to_string(),
                            "it is scheme, host, port and base path",
                        );
                    }
                }
                "service" => settings.service = self.text(value),
                "profile" => settings.profile = self.text(value),
                "allow_writes" => settings.allow_writes = self.truth(value) == Some(true),
                "variables" => self.variables(value, &mut settings),
                "identities" => self.identities(value, &mut settings),
                "pace" => self.pace(value, &mut settings),
                "timeouts" => self.timeouts(value, &mut settings),
                "statement" => self.statement(value, &mut settings),
                _ => self.network(value, &mut settings),
            }
        }
        settings
    }

    fn statement(&mut self, value: &Value<'_>, settings: &mut Settings) {
        let Some(table) = self.table(value) else {
            return;
        };
        let vendor = &mut settings.statement;
        for (name, value) in self.section("statement", table) {
            let text = self.text(value).unwrap_or_default();
            match name {
                "organisation" => vendor.organisation = text,
                "product" => vendor.product = text,
                "version" => vendor.version = text,
                _ => vendor.contact = text,
            }
        }
    }

    fn variables(&mut self, value: &Value<'_>, settings: &mut Settings) {
        let Some(table) = self.table(value) else {
            return;
        };
        for (name, value) in table.iter() {
            let value = match value.get_ref() {
                DeValue::String(text) => Some(Json::String(text.to_string())),
                DeValue::Boolean(truth) => Some(Json::Bool(*truth)),
                DeValue::Integer(_) | DeValue::Float(_) => self.json(value),
                // One that is not set keeps its default.
                DeValue::Table(_) => self.origin(value).and_then(Result::ok).map(Json::String),
                DeValue::Array(_) => self.json(value),
                DeValue::Datetime(time) => Some(Json::String(time.to_string())),
            };
            if let Some(value) = value {
                settings.variables.insert(name.get_ref().to_string(), value);
            }
        }
    }

    fn json(&mut self, value: &Value<'_>) -> Option<Json> {
        match value.get_ref() {
            DeValue::String(text) => Some(Json::String(text.to_string())),
            DeValue::Boolean(truth) => Some(Json::Bool(*truth)),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .ok()
                .map(Json::from),
            DeValue::Float(number) => number.as_str().parse::<f64>().ok().map(Json::from),
            DeValue::Array(items) => Some(Json::Array(
                items.iter().filter_map(|item| self.json(item)).collect(),
            )),
            DeValue::Table(_) | DeValue::Datetime(_) => {
                self.wrong(
                    value,
                    "a plain value",
                    "write text, a number, true, false, or a list of them",
                );
                None
            }
        }
    }

    fn identities(&mut self, value: &Value<'_>, settings: &mut Settings) {
        let Some(table) = self.table(value) else {
            return;
        };
        for (name, value) in table.iter() {
            let name = name.get_ref().to_string();
            let Some(own) = self.table(value) else {
                continue;
            };
            let entries = self.section("identities.*", own);
            let mut unset = None;
            let forms: Vec<(&str, &Value<'_>)> = entries.into_iter().collect();
            let identity = match forms.as_slice() {
                [("headers", headers)] => self.headers(headers, &mut unset),
                [("keystone", keystone)] => self.keystone(keystone, &mut unset),
                [("cloud", cloud)] => {
                    let text = self.text(cloud);
                    text.map(|text| Identity::Cloud(Spanned::new(text, self.span(cloud.span()))))
                }
                [("signature", pair)] => self.signature(pair, &mut unset),
                // A key that is not known was told of already.
                [] if !own.is_empty() => None,
                _ => {
                    self.report(
                        "two-forms",
                        value.span(),
                        format!("the identity `{name}` proves itself in no one way"),
                        "write one of headers, keystone, cloud and signature",
                    );
                    None
                }
            };
            match (identity, unset) {
                (_, Some(variable)) => drop(
                    settings
                        .unconfigured
                        .insert(name, format!("{variable} is not set")),
                ),
                (Some(identity), None) => drop(settings.identities.insert(name, identity)),
                (None, None) => {}
            }
        }
    }

    fn headers(&mut self, value: &Value<'_>, unset: &mut Option<String>) -> Option<Identity> {
        let table = self.table(value)?;
        let mut headers = Vec::new();
        for (name, value) in table.iter() {
            match self.secret(value) {
                Some(Ok(text)) => {
                    headers.push((name.get_ref().to_string(), text.trim_end().to_owned()));
                }
                Some(Err(variable)) => *unset = Some(variable),
                None => {}
            }
        }
        Some(Identity::Headers(headers))
    }

    fn keystone(&mut self, value: &Value<'_>, unset: &mut Option<String>) -> Option<Identity> {
        let table = self.table(value)?;
        let before = self.found.len();
        let entries = self.entries("identities.*.keystone", table, keystone::NAMES);
        let mut values: BTreeMap<&str, String> = BTreeMap::new();
        for (name, value) in entries {
            let read = if keystone::SECRET.contains(&name) {
                self.secret(value)
            } else if value.get_ref().is_table() {
                self.origin(value)
            } else {
                self.text(value).map(Ok)
            };
            match read {
                Some(Ok(text)) => drop(values.insert(name, text.trim_end().to_owned())),
                Some(Err(variable)) => *unset = Some(variable),
                None => {}
            }
        }
        if unset.is_some() || self.found.len() > before {
            return None;
        }
        match Keystone::of(|name| values.get(name).cloned()) {
            Ok(keystone) => Some(Identity::Keystone(keystone)),
            Err(wrong) => {
                for why in wrong {
                    self.report(
                        "no-credentials",
                        value.span(),
                        why,
                        "the names are those of `auth` in clouds.yaml",
                    );
                }
                None
            }
        }
    }

    fn signature(&mut self, value: &Value<'_>, unset: &mut Option<String>) -> Option<Identity> {
        let table = self.table(value)?;
        let entries = self.section("identities.*.signature", table);
        let mut take = |reader: &mut Self, name: &str, secret: bool| {
            let value = entries.get(name)?;
            let read = match (secret, value.get_ref().is_table()) {
                (true, _) => reader.secret(value),
                (false, true) => reader.origin(value),
                (false, false) => reader.text(value).map(Ok),
            };
            match read? {
                Ok(text) => Some(text.trim_end().to_owned()),
                Err(variable) => {
                    *unset = Some(variable);
                    None
                }
            }
        };
        let access_key = take(self, "access_key", false);
        let secret_key = take(self, "secret_key", true);
        let project_id = take(self, "project_id", false);
        for name in ["access_key", "secret_key"] {
            if !entries.contains_key(name) {
                self.report(
                    "missing-key",
                    value.span(),
                    format!("a signature needs the key `{name}`"),
                    "a key pair has both",
                );
            }
        }
        Some(Identity::Signature(KeyPair {
            access_key: access_key?,
            secret_key: secret_key?,
            project_id,
        }))
    }

    fn pace(&mut self, value: &Value<'_>, settings: &mut Settings) {
        let Some(table) = self.table(value) else {
            return;
        };
        for (name, value) in self.section("pace", table) {
            match name {
                "jobs" => settings.pace.jobs = self.count(value, 4096),
                "rate" => settings.pace.rate = self.number(value),
                _ => {
                    let Some(table) = self.table(value) else {
                        continue;
                    };
                    for (resource, value) in table.iter() {
                        if let Some(most) = self.count(value, u16::MAX) {
                            settings
                                .pace
                                .objects
                                .insert(resource.get_ref().to_string(), usize::from(most));
                        }
                    }
                }
            }
        }
    }

    fn timeouts(&mut self, value: &Value<'_>, settings: &mut Settings) {
        let Some(table) = self.table(value) else {
            return;
        };
        for (name, value) in self.section("timeouts", table) {
            let time = self.duration(value);
            match name {
                "request" => settings.timeouts.request = time,
                "case" => settings.timeouts.case = time,
                _ => settings.timeouts.clean_up = time,
            }
        }
    }

    fn network(&mut self, value: &Value<'_>, settings: &mut Settings) {
        let Some(table) = self.table(value) else {
            return;
        };
        for (name, value) in self.section("network", table) {
            match name {
                "ca" => settings.network.ca = self.pem(value),
                "client" => settings.network.client = self.pem(value),
                "insecure" => settings.network.insecure = self.truth(value) == Some(true),
                "proxy" => settings.network.proxy = self.text(value),
                "connect" => settings.network.connect = self.duration(value),
                _ => {
                    settings.network.http = match value.get_ref().as_str() {
                        Some("1.1") => Some(HttpVersion::One),
                        Some("2") => Some(HttpVersion::Two),
                        _ => {
                            self.report(
                                "wrong-type",
                                value.span(),
                                "this is no version of HTTP that can be asked for".to_owned(),
                                "write \"1.1\" or \"2\"",
                            );
                            None
                        }
                    }
                }
            }
        }
    }

    fn pem(&mut self, value: &Value<'_>) -> Option<Pem> {
        let path = self.text(value)?;
        match (self.resolve)(Origin::File(&path)) {
            Ok(text) => Some(Pem {
                path: path.into(),
                bytes: text.unwrap_or_default().into_bytes(),
            }),
            Err(why) => {
                self.report(
                    "unreadable",
                    value.span(),
                    why,
                    "name a PEM file that can be read, relative to this one",
                );
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(origin: Origin<'_>) -> Result<Option<String>, String> {
        match origin {
            Origin::Environment("PASSWORD") => Ok(Some("p".to_owned())),
            Origin::Environment(_) => Ok(None),
            Origin::File("token") => Ok(Some("t\n".to_owned())),
            Origin::File(name) => Err(format!("{name} cannot be read: no such file")),
        }
    }

    fn check(text: &str) -> Result<Settings, String> {
        read(&Source::new("assize.toml", text), &resolve).map_err(|found| {
            found
                .iter()
                .map(|it| it.render(false))
                .collect::<Vec<_>>()
                .join("\n\n")
        })
    }

    #[test]
    fn a_file_says_where_who_and_how() {
        let settings = check(
            r#"
            endpoint = "https://elb.example.com/"
            allow_writes = true
            [variables]
            size = 3
            token = { file = "token" }
            other = { env = "OTHER" }
            [identities.owner.keystone]
            auth_url = "https://iam.example.com/v3"
            username = "u"
            password = { env = "PASSWORD" }
            project_id = "1"
            [identities.other]
            headers = { X-Auth-Token = { env = "OTHER" } }
            [identities.third]
            headers.X-Auth-Token = { file = "token" }
            [identities.signing]
            signature = { access_key = "a", secret_key = { env = "PASSWORD" } }
            [pace]
            rate = 2.5
            objects.loadbalancer = 4
            [timeouts]
            request = "5s"
            [network]
            http = "2"
            "#,
        )
        .unwrap_or_else(|found| panic!("{found}"));
        assert_eq!(settings.variables["size"], 3);
        assert_eq!(settings.variables["token"], "t\n");
        assert!(!settings.variables.contains_key("other"));
        assert!(
            matches!(&settings.identities["owner"], Identity::Keystone(it) if it.secrets == [("p".to_owned(), "password")])
        );
        assert!(
            matches!(&settings.identities["third"], Identity::Headers(it) if it == &[("X-Auth-Token".to_owned(), "t".to_owned())])
        );
        assert!(
            matches!(&settings.identities["signing"], Identity::Signature(it) if it.secret_key == "p")
        );
        assert_eq!(settings.unconfigured["other"], "OTHER is not set");
        assert_eq!(settings.pace.rate, Some(2.5));
        assert_eq!(settings.pace.objects["loadbalancer"], 4);
        assert_eq!(settings.timeouts.request, Some(Duration::from_secs(5)));
        assert_eq!(settings.network.http, Some(HttpVersion::Two));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_with_its_place() {
        let found = check(
            r#"endpiont = "https://h"
endpoint = "h"
allow_writes = "yes"
[identities.owner.keystone]
username = "u"
password = "hunter2"
[identities.two]
cloud = "c"
headers = { X = { env = "PASSWORD", file = "token" } }
[identities.none]
[pace]
jobs = 0
rate = "fast"
[timeouts]
request = "soon"
[network]
ca = "nowhere.pem"
http = "3"
"#,
        )
        .expect_err("all of it is wrong");
        for part in [
            "unknown key `endpiont`",
            "assize.toml:1:1",
            "did you mean `endpoint`?",
            "`h` is no endpoint",
            "this should be true or false, not a string",
            "a secret does not belong into this file",
            "the identity `two` proves itself in no one way",
            "the identity `none` proves itself in no one way",
            "this should be a number above 0, not an integer",
            "this should be a number above 0, not a string",
            "this is no time",
            "nowhere.pem cannot be read: no such file",
            "this is no version of HTTP",
        ] {
            assert!(found.contains(part), "{part:?} is missing in\n{found}");
        }
        assert_eq!(found.matches("error[").count(), 13 - 2, "{found}");
    }

    #[test]
    fn broken_toml_is_told_with_its_place() {
        let found = check("endpoint = \n[pace\n").expect_err("it is no TOML");
        assert!(
            found.contains("error[toml-syntax]") && found.contains("assize.toml:1:"),
            "{found}"
        );
    }
}
