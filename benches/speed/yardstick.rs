//! The yardstick: the same requests by hand on the same client, looking at nothing but the status.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};

/// Sends what W(n) asks for, so many cases at once.
pub(crate) fn run(url: &str, n: usize, lanes: usize) -> anyhow::Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let client = Client::builder().no_proxy().build()?;
        let (next, url) = (Arc::new(AtomicUsize::new(0)), Arc::new(url.to_owned()));
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..lanes {
            let (client, next, url) = (client.clone(), Arc::clone(&next), Arc::clone(&url));
            running.spawn(async move {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= 2 * n {
                        return anyhow::Ok(());
                    }
                    case(&client, &url, at >= n).await?;
                }
            });
        }
        while let Some(lane) = running.join_next().await {
            lane??;
        }
        anyhow::Ok(())
    })
}

async fn case(client: &Client, url: &str, in_use: bool) -> anyhow::Result<()> {
    let pools = format!("{url}/v2.0/lbaas/pools");
    let body = json!({"pool": {"name": "p", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}});
    let id = send(client, Method::POST, &pools, Some(&body), 201).await?;
    let pool = format!("{pools}/{}", id["pool"]["id"].as_str().context("no id")?);
    if in_use {
        let members = format!("{pool}/members");
        let body = json!({"member": {"address": "10.0.0.1", "protocol_port": 80}});
        let id = send(client, Method::POST, &members, Some(&body), 201).await?;
        send(client, Method::DELETE, &pool, None, 409).await?;
        let member = format!(
            "{members}/{}",
            id["member"]["id"].as_str().context("no id")?
        );
        send(client, Method::DELETE, &member, None, 204).await?;
    }
    send(client, Method::DELETE, &pool, None, 204).await?;
    send(client, Method::GET, &pool, None, 404).await?;
    Ok(())
}

/// The answer as JSON where it is a creation's.
async fn send(
    client: &Client,
    method: Method,
    url: &str,
    body: Option<&Value>,
    status: u16,
) -> anyhow::Result<Value> {
    let mut request = client.request(method, url);
    if let Some(body) = body {
        request = request
            .header("content-type", "application/json")
            .body(serde_json::to_vec(body)?);
    }
    let answer = request.send().await?;
    ensure!(answer.status() == status, "{url} gave {}", answer.status());
    let bytes = answer.bytes().await?;
    match status {
        201 => Ok(serde_json::from_slice(&bytes)?),
        _ => Ok(Value::Null),
    }
}
