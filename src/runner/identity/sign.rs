//! Requests signed with a key pair, as Huawei's "API Request Signing Guide" says: `SDK-HMAC-SHA256`.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::exchange::Request;
use crate::target::settings::KeyPair;
use crate::template::percent_encode;

/// The field that the signature goes into.
pub(super) const FIELD: &str = "Authorization";
const DATE: &str = "X-Sdk-Date";

/// Signs a request: sets its `Authorization`, `X-Sdk-Date` and, with a project, `X-Project-Id`.
pub(super) fn sign(request: &mut Request, keys: &KeyPair, now: Timestamp) {
    let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let own = [FIELD, DATE, "X-Project-Id"];
    request
        .headers
        .retain(|(name, _)| !own.iter().any(|own| own.eq_ignore_ascii_case(name)));
    request.headers.push((DATE.to_owned(), date.clone()));
    if let Some(project) = &keys.project_id {
        request
            .headers
            .push(("X-Project-Id".to_owned(), project.clone()));
    }
    let (canonical, names) = canonical(request);
    let text = format!(
        "SDK-HMAC-SHA256\n{date}\n{}",
        hex(&Sha256::digest(canonical))
    );
    let signature = signature(&keys.secret_key, &text);
    request.headers.push((
        FIELD.to_owned(),
        format!(
            "SDK-HMAC-SHA256 Access={}, SignedHeaders={names}, Signature={signature}",
            keys.access_key
        ),
    ));
}

fn signature(secret_key: &str, text: &str) -> String {
    // A key may have any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret_key.as_bytes()) else {
        return String::new();
    };
    mac.update(text.as_bytes());
    hex(&mac.finalize().into_bytes())
}

/// The request as it is signed, and the names of the fields that are.
fn canonical(request: &Request) -> (String, String) {
    let target = request.target();
    let target = target.split('#').next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut path: Vec<String> = path.split('/').map(encoded).collect();
    if path.last().is_some_and(|last| !last.is_empty()) {
        path.push(String::new());
    }
    let mut query: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encoded(name), encoded(value))
        })
        .collect();
    query.sort();
    let query: Vec<String> = (query.into_iter())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    // A proxy on the way may change any other field.
    let signed = |name: &str| ["content-type", "x-sdk-date", "x-project-id"].contains(&name);
    let mut fields: Vec<(String, String)> = (request.headers.iter())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .filter(|(name, _)| signed(name))
        .collect();
    fields.push(("host".to_owned(), host(request)));
    fields.sort();
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let lines: String = (fields.iter())
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let text = format!(
        "{}\n{}\n{}\n{lines}\n{names}\n{}",
        request.method,
        path.join("/"),
        query.join("&"),
        hex(&Sha256::digest(&request.body))
    );
    (text, names)
}

fn host(request: &Request) -> String {
    let named = (request.headers.iter()).find(|(name, _)| name.eq_ignore_ascii_case("host"));
    if let Some((_, host)) = named {
        return host.clone();
    }
    let behind = request
        .url
        .split_once("://")
        .map_or("", |(_, behind)| behind);
    let authority = behind.split(['/', '?', '#']).next().unwrap_or_default();
    // A client leaves out the port that goes without saying.
    let standard = if request.url.starts_with("https:") {
        ":443"
    } else {
        ":80"
    };
    authority
        .strip_suffix(standard)
        .unwrap_or(authority)
        .to_owned()
}

/// Percent-encoded once, whether it was before or not.
fn encoded(part: &str) -> String {
    let bytes = part.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = part
            .get(at + 1..at + 3)
            .filter(|_| bytes[at] == b'%')
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        plain.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    match String::from_utf8(plain) {
        Ok(plain) => percent_encode(&plain),
        Err(_) => part.to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, url: &str, headers: &[(&str, &str)]) -> Request {
        Request {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: (headers.iter())
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: Vec::new(),
        }
    }

    /// The worked example of Huawei's "API Request Signing Guide", chapter "AK/SK Signing and Authentication
    /// Algorithm", with the key of its older editions; newer ones hide it.
    #[test]
    fn the_published_vector_is_signed_as_published() {
        let mut vector = request(
            "GET",
            "https://service.region.example.com/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs?marker=13551d6b-755d-4757-b956-536f674975c0&limit=2",
            &[
                ("Content-Type", "application/json"),
                ("Authorization", "of old"),
            ],
        );
        let keys = KeyPair {
            access_key: "QTWAOYTTINDUT2QVKYUC".to_owned(),
            secret_key: "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc".to_owned(),
            project_id: None,
        };
        let now = "2019-11-15T03:36:55Z".parse().expect("a time");
        sign(&mut vector, &keys, now);
        let (text, _) = canonical(&vector);
        assert_eq!(
            hex(&Sha256::digest(text)),
            "b25362e603ee30f4f25e7858e8a7160fd36e803bb2dfe206278659d71a9bcd7a"
        );
        assert_eq!(
            vector.headers[1..],
            [
                ("X-Sdk-Date".to_owned(), "20191115T033655Z".to_owned()),
                ("Authorization".to_owned(), "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-date, Signature=7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe".to_owned()),
            ]
        );
    }

    #[test]
    fn what_stands_in_the_target_is_encoded_once() {
        for (target, lines) in [
            ("/", "/\n\n"),
            ("", "/\n\n"),
            ("/a%20b/ü", "/a%20b/%C3%BC/\n\n"),
            ("/a/?b=%2F&a=x y&a=&c", "/a/\na=&a=x%20y&b=%2F&c=\n"),
        ] {
            let (text, names) = canonical(&request("GET", &format!("https://h:443{target}"), &[]));
            assert!(text.starts_with(&format!("GET\n{lines}host:h\n")), "{text}");
            assert_eq!(names, "host");
        }
    }
}
