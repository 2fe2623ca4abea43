//! What a target file can say: plain values.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value as Json;

use super::keystone::Keystone;
use crate::source::Spanned;

/// A target file as it was read. What it leaves open is `None`.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// A directory with a `suite.yaml`, or the name of a suite inside the program.
    pub suite: Option<String>,
    /// Where requests go.
    pub endpoint: Option<String>,
    /// The type under which the owner's catalogue lists the endpoint.
    pub service: Option<String>,
    /// The dialect that the endpoint is held to.
    pub profile: Option<String>,
    /// Whether objects may be created and deleted at the endpoint of this file.
    pub allow_writes: bool,
    /// Variables of the suite.
    pub variables: BTreeMap<String, Json>,
    /// Who sends requests.
    pub identities: BTreeMap<String, Identity>,
    /// Identities that cannot be used here, and why.
    pub unconfigured: BTreeMap<String, String>,
    /// How fast a run goes.
    pub pace: Pace,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// How the endpoint is reached.
    pub network: Network,
    /// Who makes what is there.
    pub statement: Vendor,
}

/// Who makes a product, as a statement of conformance says it. What is not known is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vendor {
    /// Who makes it.
    pub organisation: String,
    /// What it is called.
    pub product: String,
    /// Its version.
    pub version: String,
    /// Whom to ask.
    pub contact: String,
}

/// How somebody proves who it is.
#[derive(Debug, Clone)]
pub enum Identity {
    /// Header fields, sent as they are.
    Headers(Vec<(String, String)>),
    /// A token of a Keystone v3.
    Keystone(Keystone),
    /// An entry of `clouds.yaml`, which somebody else reads.
    Cloud(Spanned<String>),
    /// A signature with a key pair, `SDK-HMAC-SHA256`.
    Signature(KeyPair),
}

/// A key pair that signs requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// The access key, which is sent.
    pub access_key: String,
    /// The secret key, which is not.
    pub secret_key: String,
    /// The project, sent as `X-Project-Id`, if there is one.
    pub project_id: Option<String>,
}

/// How fast a run goes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pace {
    /// Cases at once.
    pub jobs: Option<u16>,
    /// Requests a second, all cases together.
    pub rate: Option<f64>,
    /// By resource, how many objects of it there may be at once.
    pub objects: BTreeMap<String, usize>,
}

/// How long things may take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// One request with its answer.
    pub request: Option<Duration>,
    /// One case, clean-up aside.
    pub case: Option<Duration>,
    /// The clean-up of one case.
    pub clean_up: Option<Duration>,
}

/// How the endpoint is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Certificates to trust besides the system's, as PEM.
    pub ca: Option<Pem>,
    /// A certificate with its key to prove who asks, as PEM.
    pub client: Option<Pem>,
    /// Whether certificates are not looked at.
    pub insecure: bool,
    /// The proxy that every request goes through.
    pub proxy: Option<String>,
    /// The only version of HTTP to speak.
    pub http: Option<HttpVersion>,
    /// How long a connection may take to be made.
    pub connect: Option<Duration>,
}

/// PEM text and the file that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pem {
    /// The file.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.1.
    One,
    /// HTTP/2, without asking before.
    Two,
}
