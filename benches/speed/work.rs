//! The work: plain cases on pools, as files of a suite, and as a list of requests.

use std::fs;
use std::path::Path;

/// Requests of one of each kind of case.
pub(crate) const REQUESTS: usize = 9;

/// Creates a pool, deletes it, and looks whether it is gone.
const CLEAN: &str = r#"steps:
  - request: POST /v2.0/lbaas/pools
    json: { pool: { name: "{{ unique_name }}", protocol: HTTP, lb_algorithm: ROUND_ROBIN } }
    capture: { pool: body.pool.id }
    then: { status: 201 }
  - request: DELETE /v2.0/lbaas/pools/{{ pool }}
    then: { status: 204 }
  - request: GET /v2.0/lbaas/pools/{{ pool }}
    then: { status: 404 }
"#;

/// The same with a member, which keeps the pool from being deleted.
const IN_USE: &str = r#"steps:
  - request: POST /v2.0/lbaas/pools
    json: { pool: { name: "{{ unique_name }}", protocol: HTTP, lb_algorithm: ROUND_ROBIN } }
    capture: { pool: body.pool.id }
    then: { status: 201 }
  - request: POST /v2.0/lbaas/pools/{{ pool }}/members
    json: { member: { address: 10.0.0.1, protocol_port: 80 } }
    capture: { member: body.member.id }
    then: { status: 201 }
  - request: DELETE /v2.0/lbaas/pools/{{ pool }}
    then: { status: 409, body: { NeutronError: { message: { $contains: in use } } } }
  - request: DELETE /v2.0/lbaas/pools/{{ pool }}/members/{{ member }}
    then: { status: 204 }
  - request: DELETE /v2.0/lbaas/pools/{{ pool }}
    then: { status: 204 }
  - request: GET /v2.0/lbaas/pools/{{ pool }}
    then: { status: 404 }
"#;

/// Writes W(n): `n` files of each kind, 2n cases.
pub(crate) fn write(directory: &Path, n: usize) -> std::io::Result<()> {
    fs::create_dir_all(directory)?;
    for at in 0..n {
        fs::write(directory.join(format!("clean-{at}.yaml")), CLEAN)?;
        fs::write(directory.join(format!("in-use-{at}.yaml")), IN_USE)?;
    }
    Ok(())
}

/// Writes one scenario that stands for so many cases of the first kind, a multiple of 100.
pub(crate) fn write_matrix(directory: &Path, cases: usize) -> std::io::Result<()> {
    fs::create_dir_all(directory)?;
    let values = |count: usize| {
        let values: Vec<String> = (0..count).map(|at| at.to_string()).collect();
        values.join(", ")
    };
    let matrix = format!(
        "generate:\n  matrix:\n    a: [{}]\n    b: [{}]\n  strategy: all\n",
        values(100),
        values(cases / 100)
    );
    fs::write(directory.join("matrix.yaml"), format!("{matrix}{CLEAN}"))
}

/// The same requests for Hurl.
pub(crate) fn write_hurl(directory: &Path, n: usize) -> std::io::Result<()> {
    const POOL: &str = "POST {{host}}/v2.0/lbaas/pools\n{\"pool\":{\"name\":\"p\",\"protocol\":\"HTTP\",\"lb_algorithm\":\"ROUND_ROBIN\"}}\nHTTP 201\n[Captures]\npool: jsonpath \"$.pool.id\"\n\n";
    const GONE: &str = "DELETE {{host}}/v2.0/lbaas/pools/{{pool}}\nHTTP 204\n\nGET {{host}}/v2.0/lbaas/pools/{{pool}}\nHTTP 404\n";
    const MEMBER: &str = "POST {{host}}/v2.0/lbaas/pools/{{pool}}/members\n{\"member\":{\"address\":\"10.0.0.1\",\"protocol_port\":80}}\nHTTP 201\n[Captures]\nmember: jsonpath \"$.member.id\"\n\nDELETE {{host}}/v2.0/lbaas/pools/{{pool}}\nHTTP 409\n[Asserts]\njsonpath \"$.NeutronError.message\" contains \"in use\"\n\nDELETE {{host}}/v2.0/lbaas/pools/{{pool}}/members/{{member}}\nHTTP 204\n\n";
    fs::create_dir_all(directory)?;
    for at in 0..n {
        fs::write(
            directory.join(format!("clean-{at}.hurl")),
            format!("{POOL}{GONE}"),
        )?;
        fs::write(
            directory.join(format!("in-use-{at}.hurl")),
            format!("{POOL}{MEMBER}{GONE}"),
        )?;
    }
    Ok(())
}
