//! How a client reaches its cluster: kafkajs's configuration, checked and completed by
//! `lib/kafka/config.ts`, as librdkafka's settings (its CONFIGURATION.md).

use serde::Deserialize;
use std::fmt;
use std::sync::Arc;

use super::tokens::Tokens;

/// A setting by librdkafka's name.
pub(crate) type Setting = (&'static str, String);

/// The longest wait before a lost broker is tried again, ms; Java's client has the same. What is sent or asked
/// meanwhile has a time of its own, within which a broker that is back must be found.
const MOST_RECONNECT: u32 = 1_000;

/// The longest first wait of that kind, ms; each is twice the one before. Half of it is also how long librdkafka
/// lets pass between connections to two brokers, and every client needs two, one behind the other: to the broker
/// it was told of, and to the same one by the name that the cluster gives it.
const FIRST_RECONNECT: u32 = 40;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientConfig {
    /// `host:port` each; at least one.
    pub brokers: Vec<String>,
    pub client_id: Option<String>,
    pub ssl: Option<Ssl>,
    pub sasl: Option<Sasl>,
    /// For a connection to be made, TLS and SASL included; ms. librdkafka takes no less than 1,000.
    pub connection_timeout: u32,
    /// For a broker to answer a request; ms.
    pub request_timeout: u32,
    /// How old metadata may get; ms.
    pub metadata_max_age: u32,
    pub allow_auto_topic_creation: bool,
    /// Between attempts to connect again, and to send again; ms. It doubles up to `max_retry_time`, and for
    /// connections to a second at most.
    pub initial_retry_time: u32,
    pub max_retry_time: u32,
    /// librdkafka's own debug contexts, such as `broker,cgrp`; for the log at its level DEBUG.
    pub debug: Option<String>,
    /// What `oauthbearer` logs in with. It comes later than the rest, and more than once.
    #[serde(skip)]
    pub tokens: Arc<Tokens>,
}

/// Certificates and keys are PEM text.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ssl {
    /// Whom to trust. None: the system's authorities.
    pub ca: Option<String>,
    pub cert: Option<String>,
    pub key: Option<Secret>,
    pub passphrase: Option<Secret>,
    /// The name that brokers' certificates are made out to, where it is not that of their host. It is not
    /// sent to the brokers, which get their host's (SNI).
    pub servername: Option<String>,
    /// Whether the broker's certificate is checked.
    pub reject_unauthorized: bool,
    /// Whether that certificate must be made out to the broker's host.
    pub check_host: bool,
}

/// How to log in.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "mechanism")]
pub enum Sasl {
    #[serde(rename = "plain")]
    Plain(Credentials),
    #[serde(rename = "scram-sha-256")]
    ScramSha256(Credentials),
    #[serde(rename = "scram-sha-512")]
    ScramSha512(Credentials),
    /// With `ClientConfig::tokens`.
    #[serde(rename = "oauthbearer")]
    OauthBearer,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credentials {
    pub username: String,
    pub password: Secret,
}

impl Sasl {
    fn add_to(&self, settings: &mut Vec<Setting>) {
        let (mechanism, credentials) = match self {
            Self::Plain(credentials) => ("PLAIN", Some(credentials)),
            Self::ScramSha256(credentials) => ("SCRAM-SHA-256", Some(credentials)),
            Self::ScramSha512(credentials) => ("SCRAM-SHA-512", Some(credentials)),
            Self::OauthBearer => ("OAUTHBEARER", None),
        };
        settings.push(("sasl.mechanism", mechanism.to_owned()));
        if let Some(Credentials { username, password }) = credentials {
            settings.extend([
                ("sasl.username", username.clone()),
                ("sasl.password", password.0.clone()),
            ]);
        }
    }
}

/// Shown nowhere.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl ClientConfig {
    /// What every client of this configuration is set to.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let mut settings: Vec<Setting> = vec![
            ("bootstrap.servers", self.brokers.join(",")),
            ("security.protocol", self.protocol().to_owned()),
            ("client.software.name", "libs-messaging".to_owned()),
            ("client.software.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("socket.nagle.disable", "true".to_owned()),
            ("socket.keepalive.enable", "true".to_owned()),
            ("socket.connection.setup.timeout.ms", self.connection_timeout.max(1_000).to_string()),
            ("socket.timeout.ms", self.request_timeout.clamp(10, 300_000).to_string()),
            ("metadata.max.age.ms", self.metadata_max_age.clamp(1, 86_400_000).to_string()),
            (
                "topic.metadata.refresh.interval.ms",
                self.metadata_max_age.min(3_600_000).to_string(),
            ),
            ("allow.auto.create.topics", self.allow_auto_topic_creation.to_string()),
            ("reconnect.backoff.ms", self.first_reconnect().to_string()),
            ("reconnect.backoff.max.ms", self.last_reconnect().to_string()),
            // Metrics of KIP-714 would go to the broker unasked.
            ("enable.metrics.push", "false".to_owned()),
            ("log_level", "7".to_owned()),
        ];
        let id = self.client_id.as_ref().map(|id| ("client.id", id.clone()));
        settings.extend(id);
        settings.extend(self.debug.as_ref().map(|debug| ("debug", debug.clone())));
        if let Some(ssl) = &self.ssl {
            ssl.add_to(&mut settings);
        }
        if let Some(sasl) = &self.sasl {
            sasl.add_to(&mut settings);
        }
        settings
    }

    /// The name that brokers' certificates have to have, unless it is their host's.
    pub(crate) fn servername(&self) -> Option<&str> {
        self.ssl.as_ref()?.checked_name()
    }

    fn first_reconnect(&self) -> u32 {
        self.initial_retry_time.clamp(1, FIRST_RECONNECT)
    }

    /// At least the first wait, as librdkafka wants it.
    fn last_reconnect(&self) -> u32 {
        self.max_retry_time.clamp(self.first_reconnect(), MOST_RECONNECT)
    }

    fn protocol(&self) -> &'static str {
        match (self.ssl.is_some(), self.sasl.is_some()) {
            (false, false) => "plaintext",
            (true, false) => "ssl",
            (false, true) => "sasl_plaintext",
            (true, true) => "sasl_ssl",
        }
    }
}

impl Ssl {
    /// The name that certificates are checked for, unless it is the broker's host.
    fn checked_name(&self) -> Option<&str> {
        let checked = self.reject_unauthorized && self.check_host;
        self.servername.as_deref().filter(|_| checked)
    }

    fn add_to(&self, settings: &mut Vec<Setting>) {
        let check_host =
            self.reject_unauthorized && self.check_host && self.checked_name().is_none();
        let identification = if check_host { "https" } else { "none" };
        settings.extend([
            ("enable.ssl.certificate.verification", self.reject_unauthorized.to_string()),
            ("ssl.endpoint.identification.algorithm", identification.to_owned()),
            match &self.ca {
                Some(ca) => ("ssl.ca.pem", ca.clone()),
                // The OpenSSL inside knows no default place.
                None => ("ssl.ca.location", "probe".to_owned()),
            },
        ]);
        let others = [
            ("ssl.certificate.pem", self.cert.as_ref()),
            ("ssl.key.pem", self.key.as_ref().map(|key| &key.0)),
            ("ssl.key.password", self.passphrase.as_ref().map(|it| &it.0)),
        ];
        settings.extend(others.into_iter().filter_map(|(name, it)| Some((name, it?.clone()))));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::kafka::sys::Conf;

    /// What `lib/kafka/config.ts` gives for nothing but brokers.
    pub(crate) fn plain(brokers: &[&str]) -> ClientConfig {
        ClientConfig {
            brokers: brokers.iter().map(|&it| it.to_owned()).collect(),
            client_id: Some("test".to_owned()),
            ssl: None,
            sasl: None,
            connection_timeout: 1_000,
            request_timeout: 30_000,
            metadata_max_age: 300_000,
            allow_auto_topic_creation: true,
            initial_retry_time: 300,
            max_retry_time: 30_000,
            debug: None,
            tokens: Arc::default(),
        }
    }

    fn secured() -> ClientConfig {
        let password = Secret("open sesame".to_owned());
        let sasl = Sasl::ScramSha512(Credentials { username: "ada".to_owned(), password });
        let ssl = Ssl {
            ca: None,
            cert: None,
            key: None,
            passphrase: Some(Secret("open sesame".to_owned())),
            servername: None,
            reject_unauthorized: true,
            check_host: true,
        };
        ClientConfig { ssl: Some(ssl), sasl: Some(sasl), ..plain(&["localhost:9093"]) }
    }

    fn of<'a>(settings: &'a [Setting], name: &str) -> Option<&'a str> {
        settings.iter().find(|(it, _)| *it == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn librdkafka_takes_every_setting_of_every_kind_of_client() {
        let tokens = ClientConfig { sasl: Some(Sasl::OauthBearer), ..secured() };
        for config in [plain(&["a:1", "b:2"]), secured(), tokens] {
            let settings = config.settings();
            let borrowed = settings.iter().map(|(name, value)| (*name, value.as_str()));
            Conf::new().with(borrowed).unwrap();
        }
    }

    #[test]
    fn the_protocol_follows_from_what_is_given() {
        assert_eq!(of(&plain(&["a:1"]).settings(), "security.protocol"), Some("plaintext"));
        assert_eq!(of(&secured().settings(), "security.protocol"), Some("sasl_ssl"));
        assert_eq!(of(&secured().settings(), "sasl.mechanism"), Some("SCRAM-SHA-512"));
        assert_eq!(of(&secured().settings(), "ssl.ca.location"), Some("probe"));
    }

    #[test]
    fn a_certificate_is_checked_for_one_name_or_for_none() {
        let named = |servername: Option<&str>, reject_unauthorized| {
            let ssl = secured().ssl.unwrap();
            let servername = servername.map(str::to_owned);
            let config = ClientConfig {
                ssl: Some(Ssl { servername, reject_unauthorized, ..ssl }),
                ..secured()
            };
            let checked =
                of(&config.settings(), "ssl.endpoint.identification.algorithm") == Some("https");
            (checked, config.servername().map(str::to_owned))
        };
        assert_eq!(named(None, true), (true, None));
        assert_eq!(named(Some("kafka"), true), (false, Some("kafka".to_owned())));
        assert_eq!(named(Some("kafka"), false), (false, None));
    }

    #[test]
    fn logins_are_read_from_json() {
        let read = |json| serde_json::from_str::<Sasl>(json);
        let plain = read(r#"{ "mechanism": "plain", "username": "ada", "password": "x" }"#);
        assert!(matches!(plain, Ok(Sasl::Plain(it)) if it.username == "ada"));
        let tokens = read(r#"{ "mechanism": "oauthbearer" }"#);
        assert!(matches!(tokens, Ok(Sasl::OauthBearer)));
        read(r#"{ "mechanism": "aws" }"#).unwrap_err();
    }

    #[test]
    fn a_token_is_for_clients_before_and_after_it() {
        let config = ClientConfig { sasl: Some(Sasl::OauthBearer), ..plain(&["127.0.0.1:1"]) };
        let client = || {
            let notices = Arc::new(crate::kafka::notices::Notices::new(|| {}));
            crate::kafka::Client::new(crate::kafka::sys::Kind::Producer, &config, &[], 0, notices)
        };
        let token = |json| serde_json::from_str(json).unwrap();
        let before = client().unwrap();
        config.tokens.set(token(r#"{ "value": "abc", "extensions": { "pool": "x" } }"#)).unwrap();
        let after = client().unwrap();
        for refused in [
            r#"{ "value": "open\u0001sesame" }"#,
            r#"{ "value": "open\u0000sesame" }"#,
            r#"{ "value": "abc", "extensions": { "auth": "sesame" } }"#,
        ] {
            let error = config.tokens.set(token(refused)).unwrap_err();
            assert!(!error.to_string().contains("sesame"), "{error}");
        }
        drop((before, after));
    }

    #[test]
    fn a_secret_is_shown_nowhere() {
        assert!(!format!("{:?}", secured()).contains("sesame"));
        let refused = Conf::new().with([("log_level", "open sesame")]).unwrap_err();
        assert!(!refused.to_string().contains("sesame"), "{refused}");
    }
}
