//! The keys of a target file: what the reader knows, and `assize init` explains.

/// One key of a section, and what it means.
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// In a sentence.
    pub about: &'static str,
}

const fn key(name: &'static str, about: &'static str) -> Key {
    Key { name, about }
}

/// The keys of a target file by the section that they stand in; `*` is a name of the user's choice.
pub const SECTIONS: &[(&str, &[Key])] = &[
    (
        "",
        &[
            key(
                "suite",
                "A directory with a `suite.yaml`, or the name of a suite inside the program.",
            ),
            key("endpoint", "Scheme, host, port and base path."),
            key(
                "service",
                "Instead of `endpoint`: the type under which the owner's catalogue lists it.",
            ),
            key("profile", "The dialect that the endpoint is held to."),
            key(
                "allow_writes",
                "Whether objects may be created and deleted at this endpoint.",
            ),
            key("variables", "Variables of the suite."),
            key("identities", "Who sends requests."),
            key("pace", "How fast a run goes."),
            key("timeouts", "How long things may take."),
            key("network", "How the endpoint is reached."),
            key("statement", "Who makes what is tested, for --statement."),
        ],
    ),
    (
        "statement",
        &[
            key("organisation", "Who makes the product."),
            key("product", "What it is called."),
            key("version", "Its version."),
            key("contact", "Whom to ask."),
        ],
    ),
    (
        "identities.*",
        &[
            key("headers", "Header fields that prove who it is."),
            key(
                "keystone",
                "A token of a Keystone v3, by the names that `clouds.yaml` has.",
            ),
            key(
                "cloud",
                "An entry of `clouds.yaml`; `envvars` stands for the variables `OS_…`.",
            ),
            key(
                "signature",
                "A key pair that signs requests, `SDK-HMAC-SHA256`.",
            ),
        ],
    ),
    (
        "identities.*.signature",
        &[
            key("access_key", "The access key, which is sent."),
            key("secret_key", "The secret key, which is not."),
            key("project_id", "The project, sent as `X-Project-Id`."),
        ],
    ),
    (
        "pace",
        &[
            key("jobs", "Cases at once."),
            key("rate", "Requests a second, all cases together."),
            key(
                "objects",
                "By resource, how many objects of it there may be at once.",
            ),
        ],
    ),
    (
        "timeouts",
        &[
            key("request", "One request with its answer."),
            key("case", "One case, clean-up aside."),
            key("clean_up", "The clean-up of one case."),
        ],
    ),
    (
        "network",
        &[
            key(
                "ca",
                "A PEM file with certificates to trust besides the system's.",
            ),
            key(
                "client",
                "A PEM file with a certificate and its key, to prove who asks.",
            ),
            key(
                "insecure",
                "Whether certificates are not looked at; reports say so.",
            ),
            key("proxy", "The proxy that every request goes through."),
            key("http", "The only version of HTTP to speak: `1.1` or `2`."),
            key("connect", "How long a connection may take to be made."),
        ],
    ),
];
