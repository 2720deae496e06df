//! The host's verdicts, and whom it puts out.

use messaging_core::ws::guard::{Identity, Verdict};
use napi_derive::napi;

use crate::convert::count;
use crate::error::{INVALID_ARGUMENT, Result, coded};
use crate::websocket::{WebSocketManager, close_arguments};

/// Who a client is, by the host's word.
#[napi(object)]
#[derive(Debug)]
pub struct NativeIdentity {
    pub user_id: String,
    pub session_id: Option<String>,
    /// Milliseconds since the epoch.
    pub expires_at: Option<f64>,
    /// A JSON object.
    pub claims: Option<String>,
}

#[napi]
impl WebSocketManager {
    /// Whether a client's word is not enough to log in.
    #[napi]
    pub fn verifies(&self) -> bool {
        self.server().is_some_and(|server| server.verifies())
    }

    /// Whether handshakes may carry tokens that nobody looks at.
    #[napi]
    pub fn ignores_tokens(&self) -> bool {
        self.server().is_some_and(|server| server.ignores_tokens())
    }

    /// Answers a decision by yes or no.
    #[napi]
    pub fn decide(&self, number: f64, allowed: bool) {
        let verdict = if allowed { Verdict::Allowed } else { Verdict::Refused };
        if let Some(server) = self.server() {
            server.decide(number as u64, verdict);
        }
    }

    /// Answers a decision by who the client is. Throws where a name or the claims are over their
    /// limits: then nothing is decided.
    #[napi]
    pub fn identify(&self, number: f64, identity: NativeIdentity) -> Result<()> {
        let NativeIdentity { user_id, session_id, expires_at, claims } = identity;
        let expires_at = expires_at.map(|at| at.max(0.0) as u64);
        let identity =
            Identity::new(&user_id, session_id.as_deref(), expires_at, claims.as_deref());
        let identity = identity.ok_or_else(|| {
            let bytes = |text: &Option<String>| text.as_ref().map_or(0, String::len);
            let (user, session, claims) = (user_id.len(), bytes(&session_id), bytes(&claims));
            let rule =
                "userId must have 1 to 256 bytes, sessionId at most 256, claims at most 16384";
            coded(INVALID_ARGUMENT, format!("{rule}, got {user}, {session} and {claims}"))
        })?;
        if let Some(server) = self.server() {
            server.decide(number as u64, Verdict::Identity(identity.into()));
        }
        Ok(())
    }

    /// A fetch of keys has ended, with the text of the set or without one. Returns what is wrong with it.
    #[napi(ts_return_type = "string | null")]
    pub fn keys_fetched(&self, number: f64, text: Option<String>) -> Option<String> {
        let server = self.server()?;
        let taken = server.keys_fetched(number as u64, text.as_deref());
        taken.err().map(|problem| problem.to_string())
    }

    #[napi]
    pub fn disconnect_user(&self, user_id: String, code: u32, reason: String) -> Result<u32> {
        let code = close_arguments(code, &reason)?;
        let closed = self.server().map(|server| server.disconnect_user(&user_id, code, &reason));
        Ok(closed.map_or(0, count))
    }

    #[napi]
    pub fn revoke_session(&self, session_id: String) -> u32 {
        self.server().map_or(0, |server| count(server.revoke_session(&session_id)))
    }
}
