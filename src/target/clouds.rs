//! `clouds.yaml`, the file that the clients of OpenStack share.

use std::sync::Arc;

use serde_json::Value as Json;

use super::keystone::Keystone;
use crate::source::{Diagnostic, Source, Span, nearest};
use crate::suite::yaml;

/// The credentials of a cloud, from `clouds.yaml` and, over it, `secure.yaml` if there is one.
///
/// # Errors
/// Everything that is wrong with the files, with the entry, or with what it says.
pub fn keystone(
    clouds: &Arc<Source>,
    secure: Option<&Arc<Source>>,
    name: &str,
) -> Result<Keystone, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut read = |source: &Arc<Source>| {
        let node = yaml::parse(source, &mut found);
        node.map_or(Json::Null, |node| node.to_json())
    };
    let own = read(clouds);
    let over = secure.map_or(Json::Null, read);
    if !found.is_empty() {
        return Err(found);
    }
    let start = Span::start_of(clouds);
    let Some(cloud) = own["clouds"].get(name) else {
        let known: Vec<&str> = own["clouds"]
            .as_object()
            .map(|clouds| clouds.keys().map(String::as_str).collect())
            .unwrap_or_default();
        let mut diagnostic = Diagnostic::new(
            "no-credentials",
            &start,
            format!("there is no cloud `{name}` in {}", clouds.name),
        )
        .help(match known.as_slice() {
            [] => "it has no entry below `clouds`".to_owned(),
            known => format!("it has: {}", known.join(", ")),
        });
        if let Some(near) = nearest(name, known.iter().copied()) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        return Err(vec![diagnostic]);
    };
    let at = clouds.text.find(&format!("{name}:")).unwrap_or(0);
    let place = start.at(at..at + name.len());
    let over = &over["clouds"][name];
    let get = |key: &str| {
        let texts = [
            &over["auth"][key],
            &over[key],
            &cloud["auth"][key],
            &cloud[key],
        ];
        texts.into_iter().find_map(|value| match value {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        })
    };
    Keystone::of(get).map_err(|wrong| {
        let told = wrong.into_iter().map(|why| {
            Diagnostic::new("no-credentials", &place, why)
                .label("of this cloud")
                .help("it belongs below `auth` there; secrets may stand in secure.yaml beside it")
        });
        told.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOUDS: &str = "
clouds:
  otc:
    auth:
      auth_url: https://iam.example.com/v3
      username: u
      project_name: eu-de
      user_domain_name: OTC0001
    region_name: eu-de
    interface: public
";

    fn check(clouds: &str, secure: Option<&str>, name: &str) -> Result<Keystone, String> {
        let clouds = Source::new("clouds.yaml", clouds);
        let secure = secure.map(|text| Source::new("secure.yaml", text));
        keystone(&clouds, secure.as_ref(), name).map_err(|found| {
            found
                .iter()
                .map(|it| it.render(false))
                .collect::<Vec<_>>()
                .join("\n\n")
        })
    }

    #[test]
    fn a_cloud_says_who_and_where_and_its_secrets_may_stand_beside_it() {
        let secure = "clouds: { otc: { auth: { password: p } } }";
        let keystone = check(CLOUDS, Some(secure), "otc").unwrap_or_else(|found| panic!("{found}"));
        assert_eq!(keystone.region.as_deref(), Some("eu-de"));
        assert_eq!(
            keystone.auth["identity"]["password"]["user"]["password"],
            "p"
        );
        assert_eq!(
            keystone.auth["identity"]["password"]["user"]["domain"]["name"],
            "OTC0001"
        );
    }

    #[test]
    fn what_is_missing_is_told_with_the_cloud_or_with_those_that_there_are() {
        for (cloud, part) in [
            ("otc", "`password` is missing"),
            ("otc", "clouds.yaml:3:3"),
            ("oct", "did you mean `otc`?"),
            ("production", "it has: otc"),
        ] {
            let found = check(CLOUDS, None, cloud).expect_err("something is missing");
            assert!(found.contains(part), "{part:?} is missing in\n{found}");
        }
        let found = check("clouds: [", None, "otc").expect_err("it is no YAML");
        assert!(found.contains("clouds.yaml:1:"), "{found}");
    }
}
