//! Requests, filled in for an identity.

use serde_json::Value as Json;

use super::{Session, Stop};
use crate::exchange::Request;
use crate::suite::model::{BodyTemplate, RequestTemplate};
use crate::template::{Scope, percent_encode};

impl Session<'_> {
    /// Fills in a request for an identity.
    pub(in crate::runner) fn build(
        &self,
        request: &RequestTemplate,
        scope: &Scope,
        identity: &str,
    ) -> Result<Request, Stop> {
        let target = &self.ctx.target;
        let own = request.target.target(scope)?;
        // Behind the endpoint, anything else could turn it into the name of another host.
        if !own.starts_with('/') {
            return Err(Stop::Unjudged(format!(
                "the path of {} {} comes to `{}`, which does not begin with `/` ({})",
                request.method,
                request.target.source(),
                crate::check::bounded(&own),
                request.span.location()
            )));
        }
        let mut url = format!("{}{own}", target.endpoint);
        for (name, value) in &request.query {
            let values = match value.value(scope)? {
                None => continue,
                Some(Json::Array(values)) => values,
                Some(value) => vec![value],
            };
            for value in values {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                url.push(if url.contains('?') { '&' } else { '?' });
                url.push_str(&format!(
                    "{}={}",
                    percent_encode(name),
                    percent_encode(&value)
                ));
            }
        }
        let mut headers: Vec<(String, String)> =
            vec![("Accept".to_owned(), "application/json".to_owned())];
        let mut set = |name: &str, value: Option<String>| {
            headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
            headers.extend(value.map(|value| (name.to_owned(), value)));
        };
        for (name, value) in target.identities.get(identity).into_iter().flatten() {
            set(name, Some(value.clone()));
        }
        let body = match &request.body {
            BodyTemplate::Empty => Vec::new(),
            BodyTemplate::Text(text) => text.text(scope)?.into_bytes(),
            BodyTemplate::Json(json) => {
                set("Content-Type", Some("application/json".to_owned()));
                serde_json::to_vec(&json.value(scope)?.unwrap_or(Json::Null))
                    .map_err(|error| Stop::Unjudged(error.to_string()))?
            }
        };
        // What the request says of a field replaces what was there; a field that it names twice is sent twice.
        for (name, _) in &request.headers {
            set(name, None);
        }
        for (name, template) in &request.headers {
            if template.value(scope)?.is_some() {
                headers.push((name.clone(), template.text(scope)?));
            }
        }
        Ok(Request {
            method: request.method.clone(),
            url,
            headers,
            body,
        })
    }
}
