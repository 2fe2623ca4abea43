//! From a target file, the environment and flags to what a run is pointed at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use assize::source::{Diagnostic, Source, Span};
use assize::suite::model::Suite;
use assize::target::file::{Origin, read};
use assize::target::keystone::Keystone;
use assize::target::settings::{Identity, Settings, Vendor};
use assize::target::{Limits, Target, clouds};
use serde_json::Value as Json;

use crate::output::diagnostics;
use crate::{args, select};

/// The target file of the working directory.
pub(crate) const FILE: &str = "assize.toml";

/// The name that stands for the variables `OS_…`.
const ENVIRONMENT: &str = "envvars";

/// What is known of the target before the suite is read.
pub(crate) struct Aim {
    settings: Settings,
    /// The directory of the target file.
    directory: PathBuf,
    /// Variables of the environment and of flags, which come last.
    set: BTreeMap<String, String>,
    flags: args::Target,
}

/// Where requests go.
pub(crate) enum Endpoint {
    /// There.
    At(String),
    /// Where the catalogue of the owner says.
    Catalogued(Box<Keystone>, String),
    /// Nowhere in particular.
    Open,
}

impl Aim {
    /// Reads what there is to read; `None` where that was wrong, and told.
    pub(crate) fn take(flags: &args::Target, variables: &[String]) -> anyhow::Result<Option<Self>> {
        let set = select::variables(variables)?;
        let path = match &flags.target {
            Some(path) => Some(path.clone()),
            None => Some(PathBuf::from(FILE)).filter(|path| path.is_file()),
        };
        let directory = path
            .as_deref()
            .and_then(Path::parent)
            .map(Path::to_path_buf);
        let directory = directory.unwrap_or_default();
        let mut found = Vec::new();
        let mut settings = match path {
            None => Settings::default(),
            Some(path) => {
                let text = std::fs::read_to_string(&path).with_context(|| {
                    format!(
                        "{} cannot be read; `assize init` writes a target file",
                        path.display()
                    )
                })?;
                let source = Source::new(path.display().to_string(), text);
                let resolve = |origin: Origin<'_>| match origin {
                    Origin::Environment(name) => variable(name),
                    Origin::File(file) => {
                        let path = directory.join(file);
                        let text = std::fs::read_to_string(&path);
                        let text = text.map(|text| text.trim_end().to_owned());
                        text.map(Some)
                            .map_err(|error| format!("{} cannot be read: {error}", path.display()))
                    }
                };
                read(&source, &resolve).unwrap_or_else(|wrong| {
                    found.extend(wrong);
                    Settings::default()
                })
            }
        };
        if let Some(name) = &flags.os_cloud {
            let flag = Source::new("--os-cloud", name.as_str());
            let span = Span::start_of(&flag).at(0..name.len());
            let cloud = assize::source::Spanned::new(name.clone(), span);
            settings
                .identities
                .insert("owner".to_owned(), Identity::Cloud(cloud));
        }
        for identity in settings.identities.values_mut() {
            if let Identity::Cloud(name) = identity {
                match cloud(&name.value, &name.span) {
                    Ok(keystone) => *identity = Identity::Keystone(keystone),
                    Err(wrong) => found.extend(wrong),
                }
            }
        }
        settings.network.insecure |= flags.insecure;
        if !found.is_empty() {
            diagnostics(&found);
            return Ok(None);
        }
        Ok(Some(Self {
            settings,
            directory,
            set,
            flags: flags.clone(),
        }))
    }

    /// Which suite: as a flag says, else as the target file does.
    pub(crate) fn suite_flags(&self, flags: &args::Suite) -> args::Suite {
        let named = self
            .settings
            .suite
            .as_ref()
            .map(|name| match name.as_str() {
                select::SHIPPED => name.clone(),
                directory => self.directory.join(directory).display().to_string(),
            });
        args::Suite {
            paths: flags.paths.clone(),
            suite: flags
                .suite
                .clone()
                .or(named.filter(|_| flags.paths.is_empty())),
        }
    }

    /// That suite.
    pub(crate) fn suite(&self, flags: &args::Suite) -> anyhow::Result<Option<Arc<Suite>>> {
        let arguments = self.suite_flags(flags);
        // Their names tell which variables a suite may use that declares none.
        let mut names = self.set.clone();
        for name in self.settings.variables.keys() {
            names.entry(name.clone()).or_default();
        }
        select::suite(&arguments, &names)
    }

    /// The profile that was asked for.
    pub(crate) fn profile<'a>(&'a self, flag: Option<&'a str>) -> Option<&'a str> {
        flag.or(self.settings.profile.as_deref())
    }

    /// Who makes what is tested, as far as the target file says.
    pub(crate) fn vendor(&self) -> &Vendor {
        &self.settings.statement
    }

    /// Cases at once, if that is said.
    pub(crate) fn jobs(&self) -> Option<u16> {
        self.settings.pace.jobs
    }

    /// Where requests go, as far as it is known without asking anybody.
    pub(crate) fn endpoint(&self) -> anyhow::Result<Endpoint> {
        if let Some(endpoint) = self
            .flags
            .endpoint
            .as_ref()
            .or(self.settings.endpoint.as_ref())
        {
            return Ok(Endpoint::At(endpoint.clone()));
        }
        let owner = self.settings.identities.get("owner");
        match (&self.settings.service, owner) {
            (Some(service), Some(Identity::Keystone(keystone))) => Ok(Endpoint::Catalogued(
                Box::new(keystone.clone()),
                service.clone(),
            )),
            (Some(service), _) => bail!(
                "`service = \"{service}\"` is looked up in the catalogue of `owner`, which has no Keystone; give it one, or an `endpoint`"
            ),
            (None, Some(Identity::Keystone(_))) => bail!(
                "where requests go is not said; give --endpoint URL, or in {FILE} `endpoint`, or `service` to look it up in the catalogue, such as `service = \"load-balancer\"`"
            ),
            (None, _) => Ok(Endpoint::Open),
        }
    }

    /// Refuses to write where that was not allowed, before anything is sent.
    pub(crate) fn guard(
        &self,
        suite: &Suite,
        endpoint: &Endpoint,
        allowed: bool,
    ) -> anyhow::Result<()> {
        // What a file allows, it allows for the endpoint that it names.
        if allowed || self.settings.allow_writes && self.flags.endpoint.is_none() {
            return Ok(());
        }
        let place = match endpoint {
            Endpoint::Open => return Ok(()),
            Endpoint::At(endpoint) => endpoint.clone(),
            Endpoint::Catalogued(keystone, _) => keystone.auth_url.clone(),
        };
        let there = Target::new(suite, &place, None, &BTreeMap::new(), Limits::STANDARD);
        if there.is_ok_and(|target| target.is_loopback()) {
            return Ok(());
        }
        bail!(
            "{place} is not this machine, and a run creates, changes and deletes objects there; see with --dry-run what it would do, and allow it with --allow-writes, or with `allow_writes = true` beside the endpoint in {FILE}"
        )
    }

    /// The target at an endpoint.
    pub(crate) fn target(
        &self,
        suite: &Suite,
        endpoint: &str,
        profile: Option<&str>,
    ) -> anyhow::Result<Target> {
        let mut variables: BTreeMap<String, Json> = self.settings.variables.clone();
        variables.extend(select::typed(suite, &self.set));
        let target = Target::new(
            suite,
            endpoint,
            self.profile(profile),
            &variables,
            Limits::STANDARD,
        )?;
        let mut target = target.with(&self.settings);
        if let Some(time) = self.flags.request_timeout {
            target.limits.request = time;
        }
        Ok(target)
    }

    /// The endpoint that `run` or `sweep` was told of, for a comparison.
    pub(crate) fn named_endpoint(&self) -> Option<&str> {
        let named = self
            .flags
            .endpoint
            .as_ref()
            .or(self.settings.endpoint.as_ref());
        named.map(String::as_str)
    }
}

fn variable(name: &str) -> Result<Option<String>, String> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("the variable {name} is no text")),
    }
}

/// The credentials of a cloud, as the clients of OpenStack find them.
fn cloud(name: &str, span: &Span) -> Result<Keystone, Vec<Diagnostic>> {
    let wrong = |why: String, help: &str| {
        vec![
            Diagnostic::new("no-credentials", span, why)
                .label("here")
                .help(help),
        ]
    };
    if name == ENVIRONMENT {
        let get = |key: &str| {
            let of = |name: &str| variable(name).ok().flatten();
            let name = format!("OS_{}", key.to_ascii_uppercase());
            match key {
                "project_name" => of(&name).or_else(|| of("OS_TENANT_NAME")),
                "project_id" => of(&name).or_else(|| of("OS_TENANT_ID")),
                _ => of(&name),
            }
        };
        return Keystone::of(get).map_err(|found| {
            let told = found.into_iter();
            told.flat_map(|why| {
                wrong(
                    why,
                    "the variables are called OS_AUTH_URL, OS_USERNAME and so on",
                )
            })
            .collect()
        });
    }
    let places = match variable("OS_CLIENT_CONFIG_FILE") {
        Ok(Some(file)) => vec![PathBuf::from(file)],
        _ => {
            let home = variable("HOME").ok().flatten().map(PathBuf::from);
            let own = home.map(|home| home.join(".config/openstack/clouds.yaml"));
            let places = [
                Some("clouds.yaml".into()),
                own,
                Some("/etc/openstack/clouds.yaml".into()),
            ];
            places.into_iter().flatten().collect()
        }
    };
    let Some(path) = places.iter().find(|path| path.is_file()) else {
        let looked: Vec<String> = places
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        return Err(wrong(
            format!("there is no clouds.yaml with the cloud `{name}`"),
            &format!("it is looked for at {}", looked.join(", ")),
        ));
    };
    let open = |path: &Path| match std::fs::read_to_string(path) {
        Ok(text) => Ok(Source::new(path.display().to_string(), text)),
        Err(error) => Err(wrong(
            format!("{} cannot be read: {error}", path.display()),
            "make it readable, or name another with OS_CLIENT_CONFIG_FILE",
        )),
    };
    let beside = path.with_file_name("secure.yaml");
    let secure = beside.is_file().then(|| open(&beside)).transpose()?;
    clouds::keystone(&open(path)?, secure.as_ref(), name)
}
