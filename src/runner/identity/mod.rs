//! Who sends: what a request proves it with when it is sent, as tokens end and signatures grow old.
//!
//! A request is built with a placeholder and filled in right before it goes out.

mod sign;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::transport::Transport;
use crate::check::bounded;
use crate::exchange::{Exchange, Phase, Request};
use crate::secret::Secrets;
use crate::target::keystone::Keystone;
use crate::target::settings::{Identity, KeyPair};
use crate::target::{Target, placeholder};

/// A token is renewed so long before it ends, or at a quarter of its life if that is less.
const MARGIN: Duration = Duration::from_secs(60);

/// How often a token is asked for in a row.
const TRIES: u32 = 6;

/// After a refusal a token is not asked for again for so long.
const REFUSED: Duration = Duration::from_secs(30);

/// All identities that prove themselves anew with each request.
pub(super) struct Identities {
    proofs: BTreeMap<String, Proof>,
    /// Where every token that is issued is made known.
    secrets: Secrets,
}

enum Proof {
    Keystone(Box<Keystone>, tokio::sync::Mutex<State>),
    Signature(KeyPair),
}

#[derive(Default)]
enum State {
    #[default]
    New,
    Token {
        id: String,
        renew: Instant,
    },
    Refused {
        why: String,
        until: Instant,
    },
}

/// Who filled a request in, and with which token.
pub(super) struct Filled {
    identity: String,
    token: String,
}

/// What stands in a request for the proof of who sends it.
fn placed(request: &Request) -> Option<&(String, String)> {
    let placed = |(_, value): &&(String, String)| value.starts_with('\u{1}');
    request.headers.iter().find(placed)
}

impl Identities {
    pub(super) fn new(target: &Target) -> Self {
        let proofs = target.credentials.iter().filter_map(|(name, identity)| {
            let proof = match identity {
                Identity::Keystone(keystone) => {
                    Proof::Keystone(Box::new(keystone.clone()), tokio::sync::Mutex::default())
                }
                Identity::Signature(keys) => Proof::Signature(keys.clone()),
                Identity::Headers(_) | Identity::Cloud(_) => return None,
            };
            Some((name.clone(), proof))
        });
        Self {
            proofs: proofs.collect(),
            secrets: target.secrets.clone(),
        }
    }

    /// Whether a request has a placeholder for the proof of who sends it.
    pub(super) fn fills(request: &Request) -> bool {
        placed(request).is_some()
    }

    /// Puts the proof into a request that has a placeholder for it.
    pub(super) async fn fill(
        &self,
        request: &mut Request,
        transport: &Transport,
    ) -> Result<Option<Filled>, String> {
        let Some((_, value)) = placed(request) else {
            return Ok(None);
        };
        let wanted = |name: &&String| placeholder(name) == *value;
        let Some(name) = self.proofs.keys().find(wanted).cloned() else {
            return Ok(None);
        };
        match &self.proofs[&name] {
            Proof::Signature(keys) => {
                sign::sign(request, keys, Timestamp::now());
                Ok(None)
            }
            Proof::Keystone(keystone, state) => {
                let token = Box::pin(self.token(&name, keystone, state, transport)).await?;
                let old = placeholder(&name);
                for (_, value) in request
                    .headers
                    .iter_mut()
                    .filter(|(_, value)| *value == old)
                {
                    value.clone_from(&token);
                }
                Ok(Some(Filled {
                    identity: name,
                    token,
                }))
            }
        }
    }

    /// Forgets a token that was refused, unless there is a newer one already, and fills the request in anew.
    pub(super) async fn refill(
        &self,
        request: &mut Request,
        filled: Filled,
        transport: &Transport,
    ) -> Result<(), String> {
        let Filled { identity, token } = filled;
        let Some(Proof::Keystone(keystone, state)) = self.proofs.get(&identity) else {
            return Ok(());
        };
        {
            let mut state = state.lock().await;
            if matches!(&*state, State::Token { id, .. } if *id == token) {
                *state = State::New;
            }
        }
        let new = Box::pin(self.token(&identity, keystone, state, transport)).await?;
        for (_, value) in request
            .headers
            .iter_mut()
            .filter(|(_, value)| *value == token)
        {
            value.clone_from(&new);
        }
        Ok(())
    }

    async fn token(
        &self,
        name: &str,
        keystone: &Keystone,
        state: &tokio::sync::Mutex<State>,
        transport: &Transport,
    ) -> Result<String, String> {
        // Whoever comes while a token is asked for waits for it.
        let mut state = state.lock().await;
        match &*state {
            State::Token { id, renew } if Instant::now() < *renew => return Ok(id.clone()),
            State::Refused { why, until } if Instant::now() < *until => return Err(why.clone()),
            _ => {}
        }
        match sign_in(keystone, transport).await {
            Ok(token) => {
                self.secrets.add(&token.id, &format!("token of {name}"));
                let margin = (token.life / 4).min(MARGIN);
                *state = State::Token {
                    id: token.id.clone(),
                    renew: Instant::now() + token.life.saturating_sub(margin),
                };
                Ok(token.id)
            }
            Err(why) => {
                let why = format!("no token for `{name}`: {why}");
                *state = State::Refused {
                    why: why.clone(),
                    until: Instant::now() + REFUSED,
                };
                Err(why)
            }
        }
    }
}

/// A token with what its answer says.
struct Token {
    id: String,
    life: Duration,
    content: Json,
}

/// Asks for a token; what is wrong with the service for the moment is tried again.
async fn sign_in(keystone: &Keystone, transport: &Transport) -> Result<Token, String> {
    let request = Request {
        method: "POST".to_owned(),
        url: keystone.tokens_url(),
        headers: vec![
            ("Accept".to_owned(), "application/json".to_owned()),
            ("Content-Type".to_owned(), "application/json".to_owned()),
        ],
        body: json!({"auth": keystone.auth}).to_string().into_bytes(),
    };
    let mut tries = 0;
    loop {
        tries += 1;
        let exchange = transport.send(Phase::SetUp, request.clone()).await;
        let (again, why) = match read(&exchange) {
            Ok(token) => return Ok(token),
            Err(wrong) => wrong,
        };
        if !again || tries == TRIES {
            return Err(format!("POST {}: {why}", keystone.tokens_url()));
        }
        tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(tries - 1)).await;
    }
}

/// The token in an answer, or why there is none and whether asking again may help.
fn read(exchange: &Exchange) -> Result<Token, (bool, String)> {
    let response = match &exchange.response {
        Ok(response) => response,
        Err(error) => return Err((true, error.to_string())),
    };
    if response.status != 201 {
        let later = response.status == 429 || response.status >= 500;
        let hint = match response.status {
            401 => "; the credentials are wrong, or not for this project",
            404 => "; is this a Keystone v3? `auth_url` ends in /v3 or in what stands before it",
            _ => "",
        };
        let said = bounded(&response.body.text());
        return Err((
            later,
            format!("answered with {} {said}{hint}", response.status),
        ));
    }
    let id = response.header("x-subject-token").unwrap_or_default();
    let Some(content) = response.body.json().map(|content| content["token"].clone()) else {
        return Err((false, "the answer is no JSON".to_owned()));
    };
    if id.is_empty() {
        return Err((false, "the answer has no X-Subject-Token".to_owned()));
    }
    let time = |name: &str| {
        let text = content[name].as_str();
        text.and_then(|text| text.parse::<Timestamp>().ok())
    };
    // The life is told by the clock of the service alone; ours may be wrong.
    let begin = time("issued_at").unwrap_or_else(Timestamp::now);
    let life = time("expires_at").map(|end| end.duration_since(begin));
    let life = life.and_then(|life| Duration::try_from(life).ok());
    Ok(Token {
        id: id.to_owned(),
        life: life.unwrap_or(Duration::from_secs(300)),
        content,
    })
}

/// Signs in, and finds the endpoint of a service in the catalogue.
///
/// # Errors
/// Why there is no token, or no such endpoint.
pub async fn catalogued(
    keystone: &Keystone,
    service: &str,
    target: &Target,
) -> Result<String, String> {
    let transport = Transport::new(target).map_err(|error| error.to_string())?;
    let token = Box::pin(sign_in(keystone, &transport)).await?;
    keystone.endpoint(&token.content, service)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Response;

    fn check(status: u16, id: &str, content: &Json) -> Result<Duration, (bool, String)> {
        let exchange = Exchange {
            phase: Phase::SetUp,
            request: Request {
                method: "POST".to_owned(),
                url: "http://h/v3/auth/tokens".to_owned(),
                headers: Vec::new(),
                body: Vec::new(),
            },
            response: Ok(Response {
                status,
                headers: vec![("X-Subject-Token".to_owned(), id.to_owned())],
                body: content.to_string().into_bytes().into(),
            }),
            started: Timestamp::UNIX_EPOCH,
            waited: Duration::ZERO,
            duration: Duration::ZERO,
        };
        read(&exchange).map(|token| token.life)
    }

    #[test]
    fn the_life_of_a_token_is_told_by_the_clock_of_its_service() {
        let token = |end: &str| json!({"token": {"issued_at": "2001-01-01T00:00:00.000000Z", "expires_at": end}});
        let life = check(201, "t", &token("2001-01-01T00:00:02.500000Z"));
        assert_eq!(life, Ok(Duration::from_millis(2500)));
        assert_eq!(
            check(201, "t", &token("soon")),
            Ok(Duration::from_secs(300))
        );
    }

    #[test]
    fn only_what_may_pass_is_worth_asking_again() {
        let token = json!({"token": {}});
        for (status, id, again) in [
            (401, "", false),
            (404, "", false),
            (201, "", false),
            (429, "", true),
            (503, "t", true),
        ] {
            let wrong = check(status, id, &token).map_err(|(again, _)| again);
            assert_eq!(wrong, Err(again), "{status} {id}");
        }
    }
}
