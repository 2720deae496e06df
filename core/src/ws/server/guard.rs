//! Verdicts of the host, and whom it puts out.

use super::Server;
use crate::ws::close;
use crate::ws::connection::{ConnectionId, GroupKind};
use crate::ws::guard::Verdict;
use crate::ws::guard::desk::Number;
use crate::ws::inbox::Job;

impl Server {
    /// The host's verdict on a decision that it was asked for. One that comes late is nobody's.
    pub fn decide(&self, number: Number, verdict: Verdict) {
        if let Some(closed) = self.shared.guard.desk.close(number) {
            if let Some(who) = closed.who {
                self.shared.inboxes[who.shard].push(Job::Verdict { who, number, verdict });
            }
            self.shared.pass_on(&closed);
        }
    }

    /// Whether a client's word is not enough.
    pub fn verifies(&self) -> bool {
        self.shared.guard.verifies()
    }

    /// Whether handshakes may carry tokens that nobody looks at.
    pub fn ignores_tokens(&self) -> bool {
        !self.verifies() && !self.config().guard.token_from.is_empty()
    }

    /// Closes all connections of a user, and lets no login bring it back that is being decided. Returns how many
    /// were open.
    pub fn disconnect_user(&self, user: &str, code: u16, reason: &str) -> usize {
        // Remembered first, as a session is.
        self.shared.guard.put_out(user);
        self.disconnect_all(self.members(GroupKind::User, user), code, reason)
    }

    /// Closes all connections of a session, and lets nobody log in with it any more. Returns how
    /// many were open.
    pub fn revoke_session(&self, session: &str) -> usize {
        if self.is_closed() {
            return 0;
        }
        // Remembered first: who logs in meanwhile is found in the index, or finds it here.
        self.shared.guard.revoked.add(session);
        let all = self.shared.index.of_session(session);
        self.disconnect_all(all, close::UNAUTHORIZED, "Session revoked")
    }

    fn disconnect_all(&self, all: Vec<ConnectionId>, code: u16, reason: &str) -> usize {
        let all = all.into_iter().filter_map(|id| self.shared.index.connection(id));
        all.filter(|connection| self.disconnect(connection, code, reason)).count()
    }
}
