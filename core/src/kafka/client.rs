//! What a producer, a consumer and an admin have in common: a native client, its faults and log
//! lines, and the questions that block.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::config::{ClientConfig, Sasl};
use super::error::KafkaError;
use super::notices::{Notice, Notices};
use super::sys::{ClusterInfo, Conf, Event, Events, Handle, Kind, Scope};
use super::work;

/// Takes the outcome of a call, on any thread.
pub type Done<T> = Box<dyn FnOnce(Result<T, KafkaError>) + Send>;

/// How long one question to the cluster waits before faults are looked at.
const SLICE: Duration = Duration::from_millis(250);

/// How long one attempt waits for a broker when all were lost before: librdkafka reconnects by its own times.
const RECONNECT: Duration = Duration::from_secs(1);

/// The facility of log lines about connections that could not be made or are lost.
const LOST: &str = "FAIL";

/// Losses of which an event tells too, and why: the line may come later, and would hide that.
const AS_EVENTS: [&str; 2] = ["SSL handshake failed", "SASL authentication error"];

/// The facility of log lines about certificates that `sys/certificate.rs` has refused.
const UNTRUSTED: &str = "SSLCERTVRFY";

/// Of each client one thread is ours, which takes what comes from librdkafka's.
const OWN_THREADS: usize = 1;

/// Events of every client: log lines, errors, statistics.
const EVENTS: Events = rdkafka::bindings::RD_KAFKA_EVENT_LOG
    | rdkafka::bindings::RD_KAFKA_EVENT_ERROR
    | rdkafka::bindings::RD_KAFKA_EVENT_STATS;

#[derive(Debug)]
pub struct Client {
    handle: Arc<Handle>,
    notices: Arc<Notices>,
    faults: Mutex<Faults>,
}

/// What clients cost now.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientStats {
    pub native_clients: usize,
    /// Threads of the system: librdkafka's, and ours.
    pub threads: usize,
    /// Connections to brokers that are open.
    pub connections: usize,
}

impl std::iter::Sum for ClientStats {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, it| Self {
            native_clients: sum.native_clients + it.native_clients,
            threads: sum.threads + it.threads,
            connections: sum.connections + it.connections,
        })
    }
}

/// What went wrong with connections, as far as a `connect` that waits has to know.
#[derive(Debug, Default)]
struct Faults {
    /// Counts them, so that a call sees only those of its own time.
    seen: u64,
    /// The last that trying again does not mend: credentials, certificates.
    lasting: Option<(u64, KafkaError)>,
    /// The last of one broker.
    connection: Option<(u64, KafkaError)>,
    /// When the last broker was lost.
    all_down: Option<u64>,
    /// What was wrong with the certificate of the fault to come, which does not say it.
    certificate: Option<String>,
}

impl Faults {
    fn last(&self) -> Option<&(u64, KafkaError)> {
        self.lasting.iter().chain(&self.connection).max_by_key(|(seen, _)| *seen)
    }

    fn note(&mut self, error: &KafkaError) {
        self.seen += 1;
        let seen = self.seen;
        // A handshake that fails in its first step is a lost connection to librdkafka.
        let is_untrusted = error.message.contains("certificate verify failed");
        match error.name.as_str() {
            name if is_untrusted
                || matches!(name, "_AUTHENTICATION" | "_SSL" | "SASL_AUTHENTICATION_FAILED") =>
            {
                self.lasting = Some((seen, self.explained(error, is_untrusted)));
            }
            "_ALL_BROKERS_DOWN" => self.all_down = Some(seen),
            _ => self.connection = Some((seen, error.clone())),
        }
    }

    /// The next attempts fail for the same reason, which is not said again.
    fn explained(&self, error: &KafkaError, is_untrusted: bool) -> KafkaError {
        let mut error = error.clone();
        if is_untrusted
            && let Some(what) = &self.certificate
            && let Some((broker, _)) = error.message.split_once(": ")
        {
            error.message = format!("{broker}: certificate verify failed: {what}");
        }
        error
    }
}

impl Client {
    /// A client of its own: `settings` and `events` are those of its kind.
    ///
    /// # Errors
    /// Settings that librdkafka refuses.
    pub(crate) fn new(
        kind: Kind,
        config: &ClientConfig,
        settings: &[(&'static str, String)],
        events: Events,
        notices: Arc<Notices>,
    ) -> Result<Arc<Self>, KafkaError> {
        let common = config.settings();
        let all = common.iter().chain(settings).map(|(name, value)| (*name, value.as_str()));
        let mut conf = Conf::new().with(all)?.events(EVENTS | events);
        if let Some(name) = config.servername() {
            conf = conf.servername(name)?;
        }
        let handle = Arc::new(Handle::new(kind, conf)?);
        if matches!(config.sasl, Some(Sasl::OauthBearer)) {
            config.tokens.join(&handle)?;
        }
        Ok(Arc::new(Self { handle, notices, faults: Mutex::default() }))
    }

    pub(crate) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    pub(crate) fn stats(&self) -> ClientStats {
        let census = self.handle.census();
        ClientStats {
            native_clients: 1,
            threads: OWN_THREADS + census.threads(),
            connections: census.connections(),
        }
    }

    pub(crate) fn notices(&self) -> &Arc<Notices> {
        &self.notices
    }

    /// Takes an event that is of every client's kind, or gives it back.
    pub(crate) fn handle_event(&self, event: Event) -> Option<Event> {
        match event.kind() {
            rdkafka::bindings::RD_KAFKA_EVENT_LOG => {
                if let Some((level, facility, message)) = event.log() {
                    match facility.as_str() {
                        LOST => self.note_loss(&message),
                        UNTRUSTED => self.note_certificate(&message),
                        _ => {}
                    }
                    self.notices.push(Notice::Log { level, facility, message });
                }
                None
            }
            rdkafka::bindings::RD_KAFKA_EVENT_ERROR => {
                if let Some(error) = event.error() {
                    self.note(&error);
                    self.notices.push(Notice::Error { error });
                }
                None
            }
            rdkafka::bindings::RD_KAFKA_EVENT_STATS => None,
            _ => Some(event),
        }
    }

    fn note(&self, error: &KafkaError) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).note(error);
    }

    /// A broker that hangs up without a word is told of in the log only.
    fn note_loss(&self, line: &str) {
        let text = line.split_once("]: ").map_or(line, |(_thread, text)| text);
        if AS_EVENTS.iter().any(|it| text.contains(it)) {
            return;
        }
        self.note(&KafkaError::new(-195, "_TRANSPORT", text));
    }

    fn note_certificate(&self, line: &str) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.certificate = line.split_once("callback failed: ").map(|(_, what)| what.to_owned());
    }

    /// What the faults since then say of a connect that waits. What is wrong with a broker may be of
    /// before: librdkafka does not repeat itself.
    fn verdict(&self, since: u64) -> Option<KafkaError> {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let lasting = faults.lasting.as_ref().filter(|(seen, _)| *seen > since);
        let all_down = faults.all_down.is_some_and(|seen| seen > since);
        let fault = lasting.or_else(|| faults.last().filter(|_| all_down));
        fault.map(|(_, error)| error.clone())
    }

    /// A broker has answered: what was before says nothing of a later outage.
    fn forget_outage(&self) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        (faults.all_down, faults.lasting) = (None, None);
    }

    /// Whether no broker is connected since the last one was lost.
    fn is_down(&self) -> bool {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.all_down.is_some() && self.handle.census().connections() == 0
    }

    /// Why there is no broker, if all are lost.
    pub(crate) fn outage(&self) -> Option<KafkaError> {
        self.is_down().then(|| self.last_fault())
    }

    /// Why a connect was in vain whose time is over.
    fn last_fault(&self) -> KafkaError {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        match faults.last() {
            Some((_, error)) => error.clone(),
            None => KafkaError::new(-195, "_TRANSPORT", "Connection timeout"),
        }
    }

    /// How many faults there have been.
    pub(crate) fn seen(&self) -> u64 {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).seen
    }

    /// One attempt to reach the cluster: done when a broker answers, when none can be reached, or when
    /// it refuses us.
    pub fn connect(self: &Arc<Self>, timeout: Duration, done: Done<ClusterInfo>) {
        let client = self.clone();
        self.ask(done, move || {
            let (start, since) = (Instant::now(), client.seen());
            let deadline = start + timeout;
            loop {
                let left = deadline.saturating_duration_since(Instant::now());
                match client.handle.metadata(Scope::Known, left.min(SLICE)) {
                    Ok(info) => {
                        client.forget_outage();
                        return Ok(info);
                    }
                    Err(error) if !is_of_connection(&error) => return Err(error),
                    Err(_) => {
                        // An outage is told of once, which may have been before.
                        let outage = || client.outage().filter(|_| start.elapsed() >= RECONNECT);
                        if let Some(fault) = client.verdict(since).or_else(outage) {
                            return Err(fault);
                        }
                        if left <= SLICE {
                            return Err(client.last_fault());
                        }
                    }
                }
            }
        });
    }

    /// Asks for the cluster's metadata: of all topics, or of those named. Where brokers create topics
    /// by themselves, naming one that is missing creates it, unless the configuration forbids it.
    pub fn metadata(
        self: &Arc<Self>,
        topics: Option<Vec<String>>,
        timeout: Duration,
        done: Done<ClusterInfo>,
    ) {
        let client = self.clone();
        self.ask(done, move || {
            let Some(topics) = topics else {
                return client.handle.metadata(Scope::All, timeout);
            };
            let mut whole: Option<ClusterInfo> = None;
            for topic in &topics {
                let mut info = client.handle.metadata(Scope::One(topic), timeout)?;
                match &mut whole {
                    Some(whole) => whole.topics.append(&mut info.topics),
                    None => whole = Some(info),
                }
            }
            match whole {
                Some(whole) => Ok(whole),
                None => client.handle.metadata(Scope::Known, timeout),
            }
        });
    }

    /// Runs a blocking call aside, and hands its outcome on.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        done: Done<T>,
        call: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
    ) {
        work::ask(done, call);
    }
}

/// Whether there is no broker to ask, or none has answered yet.
fn is_of_connection(error: &KafkaError) -> bool {
    matches!(error.name.as_str(), "_TRANSPORT" | "_TIMED_OUT" | "_ALL_BROKERS_DOWN")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_is_refused_is_told_of_whatever_librdkafka_calls_the_fault() {
        let text =
            "host:9093/bootstrap: ssl/statem.c:2125: error:0A000086: certificate verify failed";
        for name in ["_SSL", "_TRANSPORT"] {
            let mut faults =
                Faults { certificate: Some("it is odd".to_owned()), ..Faults::default() };
            faults.note(&KafkaError::new(-195, name, text));
            faults.note(&KafkaError::new(-187, "_ALL_BROKERS_DOWN", "all are down"));
            let (_, error) = faults.lasting.as_ref().expect("trying again does not mend it");
            assert_eq!(error.message, "host:9093/bootstrap: certificate verify failed: it is odd");
        }
    }
}
