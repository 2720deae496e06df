//! Tests of the options: defaults, precedence, and every way to be wrong.
//! It is longer than other files, since each option has its cases.

use std::net::Ipv6Addr;

use proptest::prelude::*;

use super::*;
use crate::ws::guard::patterns::{self, Patterns};
use crate::ws::guard::token::TokenSource;
use crate::ws::guard::{Authenticator, Authorizer};
use crate::ws::limits::Rate;
use std::sync::Arc;

fn number(number: impl Into<f64>) -> RawValue {
    RawValue::Number(number.into())
}

fn text(text: &str) -> RawValue {
    RawValue::Text(text.to_owned())
}

fn resolve(options: &[(&str, RawValue)], env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut raw = RawOptions::default();
    for (name, value) in options {
        assert!(raw.set(name, value.clone()), "{name} is an option");
    }
    let env = |variable: &str| {
        env.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned())
    };
    Config::resolve(&raw, &env)
}

#[test]
fn nothing_given_is_the_default() {
    assert_eq!(resolve(&[], &[]), Ok(Config::default()));
    assert!((1..=4).contains(&Config::default().shards));
}

#[test]
fn an_unknown_name_is_not_an_option() {
    assert!(!RawOptions::default().set("prot", number(1)));
    assert_eq!(RawOptions::NAMES.len(), 42);
}

#[test]
fn every_option_is_read() {
    let options = [
        ("port", number(9000)),
        ("host", text("::1")),
        ("path", text("/live")),
        ("heartbeatInterval", number(50)),
        ("maxConnections", number(7)),
        ("enableCompression", RawValue::Bool(true)),
        ("compressionThreshold", number(1)),
        ("compressionLevel", number(9)),
        ("enableHeartbeat", RawValue::Bool(true)),
        ("protocol", text("raw")),
        ("maxPayload", number(0x1fff_ffe8)),
        ("handshakeTimeout", number(1)),
        ("closeTimeout", number(2)),
        ("maxBufferedAmount", number(3)),
        ("slowConsumer", text("dropOldest")),
        ("memoryBudget", number(4)),
        ("shards", number(64)),
        ("limits", RawValue::Other("object")),
        ("limits.messagesPerSecond", number(5)),
        ("limits.burst", number(6)),
        ("limits.bytesPerSecond", number(1 << 30)),
        ("limits.subscriptions", number(7)),
        ("limits.rooms", number(8)),
        ("limits.connectionsPerUser", number(9)),
        ("limits.messagesPerSecondPerUser", number(10)),
        ("limits.handshakesPerSecond", number(11)),
        ("limits.perIp", RawValue::Other("object")),
        ("limits.perIp.connections", number(12)),
        ("limits.perIp.handshakesPerSecond", number(13)),
        ("origins", text("https://a.b")),
        ("trustProxy", number(2)),
        ("proxyProtocol", RawValue::Bool(true)),
        ("authenticate", RawValue::Other("function")),
        ("requireAuth", RawValue::Bool(true)),
        ("authTimeout", number(5)),
        ("maxAuthFailures", number(6)),
        ("tokenFrom", RawValue::List(vec![text("header"), text("cookie:sid")])),
        ("tokenExpiringLead", number(7)),
        ("hookTimeout", number(8)),
        ("authorize.subscribe", RawValue::List(vec![text("a*"), text("{userId}")])),
        ("authorize.join_room", text("b")),
    ];
    let pattern = |text| patterns::Pattern::parse(text).unwrap();
    let expected = Config {
        port: 9000,
        host: Some(Ipv6Addr::LOCALHOST.into()),
        path: "/live".to_owned(),
        heartbeat: Some(Duration::from_millis(50)),
        max_connections: 7,
        compression: Some(Compression { threshold: 1, level: 9 }),
        protocol: Protocol::Raw,
        max_payload: 0x1fff_ffe8,
        handshake_timeout: Duration::from_millis(1),
        close_timeout: Duration::from_millis(2),
        max_buffered_amount: 3,
        slow_consumer: SlowConsumer::DropOldest,
        memory_budget: 4,
        shards: 64,
        limits: Limits {
            messages: Some(Rate::new(5, 6)),
            bytes: Some(Rate::new(1 << 30, 1 << 31)),
            subscriptions: Some(7),
            rooms: Some(8),
            connections_per_user: Some(9),
            messages_per_user: Some(Rate::new(10, 20)),
            handshakes: Some(Rate::new(11, 22)),
            per_ip: Some(PerIp { connections: Some(12), handshakes: Some(Rate::new(13, 130)) }),
        },
        origins: Some([Pattern::Exact("https://a.b".to_owned())].into_iter().collect()),
        trust_proxy: TrustProxy::Hops(1),
        proxy_protocol: true,
        guard: GuardConfig {
            authenticator: Authenticator::Host,
            authorizer: Authorizer::Patterns(Arc::new(Patterns {
                subscribe: vec![pattern("a*"), pattern("{userId}")],
                join_room: vec![pattern("b")],
            })),
            require_auth: true,
            auth_timeout: Duration::from_millis(5),
            max_auth_failures: 6,
            token_from: vec![TokenSource::Header, TokenSource::Cookie("sid".into())],
            token_expiring_lead: Duration::from_millis(7),
            hook_timeout: Duration::from_millis(8),
        },
    };
    assert_eq!(resolve(&options, &[]), Ok(expected.clone()));

    let env = [
        ("WS_PORT", "9000"),
        ("WS_HOST", "::1"),
        ("WS_PATH", "/live"),
        ("WS_HEARTBEAT_INTERVAL", "50"),
        ("WS_MAX_CONNECTIONS", " 7 "),
        ("WS_COMPRESSION", "true"),
        ("WS_COMPRESSION_THRESHOLD", "1"),
        ("WS_COMPRESSION_LEVEL", "9"),
        ("WS_HEARTBEAT", "true"),
        ("WS_PROTOCOL", "raw"),
        ("WS_MAX_PAYLOAD", "536870888"),
        ("WS_HANDSHAKE_TIMEOUT", "1"),
        ("WS_CLOSE_TIMEOUT", "2"),
        ("WS_MAX_BUFFERED_AMOUNT", "3"),
        ("WS_SLOW_CONSUMER", "dropOldest"),
        ("WS_MEMORY_BUDGET", "4"),
        ("WS_SHARDS", "64"),
        ("WS_RATE_LIMIT", "5/6"),
        ("WS_RATE_LIMIT_BYTES", "1073741824"),
        ("WS_MAX_SUBSCRIPTIONS", "7"),
        ("WS_MAX_ROOMS", " 8 "),
        ("WS_MAX_CONNECTIONS_PER_USER", "9"),
        ("WS_RATE_LIMIT_PER_USER", "10"),
        ("WS_HANDSHAKE_RATE", "11"),
        ("WS_MAX_CONNECTIONS_PER_IP", "12"),
        ("WS_HANDSHAKE_RATE_PER_IP", "13"),
        ("WS_ORIGINS", "https://a.b"),
        ("WS_TRUST_PROXY", "2"),
        ("WS_PROXY_PROTOCOL", "true"),
        ("WS_REQUIRE_AUTH", "true"),
        ("WS_AUTH_TIMEOUT", "5"),
        ("WS_MAX_AUTH_FAILURES", "6"),
        ("WS_TOKEN_FROM", "header, cookie:sid"),
        ("WS_TOKEN_EXPIRING_LEAD", "7"),
        ("WS_HOOK_TIMEOUT", "8"),
        ("WS_AUTHORIZE_SUBSCRIBE", "a*,{userId}"),
        ("WS_AUTHORIZE_JOIN_ROOM", "b"),
    ];
    // A hook has no variable.
    let hook = [("authenticate", RawValue::Other("function"))];
    assert_eq!(resolve(&hook, &env), Ok(expected));
}

#[test]
fn falsy_options_fall_through_to_the_environment_and_then_to_the_default() {
    for falsy in [RawValue::Absent, number(0), number(-0.0), number(f64::NAN), text("")] {
        let path = resolve(&[("path", falsy.clone())], &[("WS_PATH", "/env")]);
        assert_eq!(path.map(|config| config.path).as_deref(), Ok("/env"), "{falsy:?}");
        let options = [("maxPayload", falsy)];
        let payload = |env| resolve(&options, env).map(|config| config.max_payload);
        assert_eq!(payload(&[("WS_MAX_PAYLOAD", "99")]), Ok(99));
        assert_eq!(payload(&[("WS_MAX_PAYLOAD", "0")]), Ok(16384));
        assert_eq!(payload(&[("WS_MAX_PAYLOAD", "")]), Ok(16384));
    }
}

#[test]
fn only_the_option_asks_for_an_ephemeral_port() {
    let port = |value, env| resolve(&[("port", value)], &[("WS_PORT", env)]).map(|c| c.port);
    assert_eq!(port(number(0), "9000"), Ok(0));
    assert_eq!(port(text(""), "9000"), Ok(9000));
    assert_eq!(port(RawValue::Absent, "0"), Ok(8080));
}

#[test]
fn an_option_hides_its_variable() {
    let config = resolve(&[("port", number(1))], &[("WS_PORT", "bad")]);
    assert_eq!(config.map(|config| config.port), Ok(1));
}

#[test]
fn booleans() {
    let heartbeat = |value, env| {
        resolve(&[("enableHeartbeat", value)], &[("WS_HEARTBEAT", env)])
            .map(|config| config.heartbeat.is_some())
    };
    assert_eq!(heartbeat(RawValue::Bool(false), "true"), Ok(false));
    assert_eq!(heartbeat(RawValue::Bool(true), "false"), Ok(true));
    assert_eq!(heartbeat(RawValue::Absent, "true"), Ok(true));
    assert_eq!(heartbeat(RawValue::Absent, "TRUE"), Ok(false));
    assert_eq!(heartbeat(RawValue::Absent, ""), Ok(true));
    assert!(heartbeat(number(0), "true").is_err());
    assert!(heartbeat(text(""), "true").is_err());
}

#[test]
fn the_rate_of_messages() {
    let rate = |options: &[(&str, RawValue)], env| {
        resolve(options, &[("WS_RATE_LIMIT", env)]).map(|config| config.limits.messages)
    };
    let (messages, burst) = ("limits.messagesPerSecond", "limits.burst");
    assert_eq!(rate(&[], ""), Ok(Some(Rate::new(100, 200))));
    assert_eq!(rate(&[], "50"), Ok(Some(Rate::new(50, 100))));
    assert_eq!(rate(&[], "50 / 60"), Ok(Some(Rate::new(50, 60))));
    assert_eq!(rate(&[(burst, number(70))], "50/60"), Ok(Some(Rate::new(50, 70))));
    assert_eq!(rate(&[(burst, number(70))], ""), Ok(Some(Rate::new(100, 70))));
    assert_eq!(rate(&[(messages, number(9))], "50/60"), Ok(Some(Rate::new(9, 18))));
    assert_eq!(rate(&[(messages, number(0))], "50"), Ok(Some(Rate::new(50, 100))));
    for off in ["off", "0", "false", " off ", "OFF", "False"] {
        assert_eq!(rate(&[], off), Ok(None));
        assert_eq!(rate(&[(messages, number(1))], off), Ok(Some(Rate::new(1, 2))));
    }
    assert_eq!(rate(&[(messages, RawValue::Bool(false))], "50"), Ok(None));
    let raw = ("protocol", text("raw"));
    assert_eq!(rate(std::slice::from_ref(&raw), ""), Ok(None), "nothing can be answered there");
    assert_eq!(rate(&[raw], "50"), Ok(Some(Rate::new(50, 100))));
    for bad in ["50/", "/50", "50/0", "0/50", "-1", "1.5", "1e3", "1000001", "+5", "on"] {
        assert!(rate(&[], bad).is_err(), "{bad}");
    }
}

#[test]
fn a_message_that_is_allowed_fits_into_the_bytes_at_once() {
    let options = [("limits.bytesPerSecond", number(1000)), ("maxPayload", number(1 << 20))];
    let bytes = resolve(&options, &[]).map(|config| config.limits.bytes);
    assert_eq!(bytes, Ok(Some(Rate::new(1000, 1 << 20))));
}

#[test]
fn what_one_address_may_ask_for_counts_where_addresses_are_those_of_clients() {
    let per_ip = |options: &[(&str, RawValue)], env: &[(&str, &str)]| {
        resolve(options, env).map(|config| config.limits.per_ip)
    };
    let object = || RawValue::Other("object");
    assert_eq!(per_ip(&[], &[]), Ok(None));
    assert_eq!(per_ip(&[("trustProxy", number(1))], &[]), Ok(Some(PerIp::default())));
    assert_eq!(per_ip(&[("limits.perIp", object())], &[]), Ok(Some(PerIp::default())));
    assert_eq!(per_ip(&[], &[("WS_LIMIT_PER_IP", "true")]), Ok(Some(PerIp::default())));
    let off = ("limits.perIp", RawValue::Bool(false));
    assert_eq!(per_ip(&[("trustProxy", number(1)), off], &[]), Ok(None));
    assert_eq!(per_ip(&[("trustProxy", number(1))], &[("WS_LIMIT_PER_IP", "false")]), Ok(None));
    let one = per_ip(&[], &[("WS_MAX_CONNECTIONS_PER_IP", "7")]);
    assert_eq!(one, Ok(Some(PerIp { connections: Some(7), ..PerIp::default() })));
    let none = per_ip(&[("limits.perIp.connections", RawValue::Bool(false))], &[]);
    assert_eq!(none, Ok(Some(PerIp { connections: None, ..PerIp::default() })));
    assert!(per_ip(&[("limits.perIp", number(1))], &[]).is_err());
    for not_given in [number(0), number(f64::NAN), text("")] {
        let env = [("WS_LIMIT_PER_IP", "true")];
        assert_eq!(per_ip(&[("limits.perIp", not_given)], &env), Ok(Some(PerIp::default())));
    }
}

#[test]
fn origins_are_one_or_a_list_and_what_javascript_judges_is_asked() {
    let origins = |value, env: &str| {
        resolve(&[("origins", value)], &[("WS_ORIGINS", env)]).map(|config| config.origins)
    };
    let list =
        |patterns: &[&str]| Some(patterns.iter().filter_map(|it| Pattern::parse(it)).collect());
    assert_eq!(origins(RawValue::Absent, ""), Ok(None));
    assert_eq!(origins(text("*"), "https://b"), Ok(list(&["*"])));
    let both = RawValue::List(vec![text("https://a"), text("https://*.a")]);
    assert_eq!(origins(both, ""), Ok(list(&["https://a", "https://*.a"])));
    assert_eq!(
        origins(text(""), "https://a, https://*.a"),
        Ok(list(&["https://a", "https://*.a"]))
    );
    assert_eq!(origins(RawValue::List(vec![]), "https://b"), Ok(list(&[])), "no page at all");
    let asked = Some([Pattern::Asked].into_iter().collect());
    assert_eq!(origins(RawValue::Other("function"), ""), Ok(asked.clone()));
    assert_eq!(origins(RawValue::List(vec![RawValue::Other("object")]), ""), Ok(asked));
    for bad in
        [text("example.com"), number(1), RawValue::Bool(true), RawValue::List(vec![number(1)])]
    {
        assert!(origins(bad.clone(), "").is_err(), "{bad:?}");
    }
    assert!(origins(RawValue::Absent, "https://a/,https://b").is_err());
}

#[test]
fn trusted_proxies_are_a_number_or_addresses_but_never_all() {
    let trust = |value, env: &str| {
        resolve(&[("trustProxy", value)], &[("WS_TRUST_PROXY", env)]).map(|it| it.trust_proxy)
    };
    let networks = |blocks: &[&str]| {
        TrustProxy::Networks(blocks.iter().map(|block| block.parse().unwrap()).collect())
    };
    assert_eq!(trust(RawValue::Absent, ""), Ok(TrustProxy::Nobody));
    assert_eq!(trust(RawValue::Bool(false), "1"), Ok(TrustProxy::Nobody));
    assert_eq!(trust(number(1), ""), Ok(TrustProxy::Hops(1)));
    assert_eq!(trust(number(0), "3"), Ok(TrustProxy::Hops(3)));
    let two = networks(&["10.0.0.0/8", "127.0.0.0/8", "::1/128"]);
    assert_eq!(
        trust(RawValue::List(vec![text("10.0.0.0/8"), text("loopback")]), ""),
        Ok(two.clone())
    );
    assert_eq!(trust(RawValue::Absent, "10.0.0.0/8, loopback"), Ok(two));
    assert_eq!(trust(text("10.1.2.3"), ""), Ok(networks(&["10.1.2.3/32"])));
    let mixed = RawValue::List(vec![number(1), text("loopback")]);
    for bad in [RawValue::Bool(true), number(-1), number(1.5), number(101), text("all"), mixed] {
        assert!(trust(bad.clone(), "").is_err(), "{bad:?}");
    }
    for none in ["0", " 0 ", "off", "false", "Off", "FALSE"] {
        assert_eq!(trust(RawValue::Absent, none), Ok(TrustProxy::Nobody), "{none}");
    }
    for bad in ["true", "1,loopback", "0,loopback", "*", "10.0.0.0/33"] {
        assert!(trust(RawValue::Absent, bad).is_err(), "{bad}");
    }
}

#[test]
fn hosts() {
    let host = |host| resolve(&[("host", text(host))], &[]).map(|config| config.host);
    assert_eq!(host("localhost"), Ok(Some(Ipv4Addr::LOCALHOST.into())));
    assert_eq!(host("0.0.0.0"), Ok(Some(Ipv4Addr::UNSPECIFIED.into())));
    assert_eq!(host("::"), Ok(Some(Ipv6Addr::UNSPECIFIED.into())));
    assert!(host("example.com").is_err());
}

#[test]
fn wrong_options_name_themselves() {
    let path = "path: must be a path like /ws, without query or fragment, got";
    let cases: &[(&str, RawValue, &str)] = &[
        ("port", number(-1), "port: must be an integer from 0 to 65535, got -1"),
        ("port", number(65536), "port: must be an integer from 0 to 65535, got 65536"),
        ("port", number(1.5), "port: must be an integer from 0 to 65535, got 1.5"),
        ("port", text("80"), "port: must be an integer from 0 to 65535, got type string"),
        (
            "port",
            RawValue::Bool(false),
            "port: must be an integer from 0 to 65535, got type boolean",
        ),
        ("shards", number(65), "shards: must be an integer from 1 to 64, got 65"),
        ("shards", number(f64::INFINITY), "shards: must be an integer from 1 to 64, got Infinity"),
        ("shards", number(1e300), "shards: must be an integer from 1 to 64, got 1e300"),
        (
            "closeTimeout",
            number(2_147_483_648_u32),
            "closeTimeout: must be an integer from 1 to 2147483647, got 2147483648",
        ),
        ("limits", number(1), "limits: must be an object, got type number"),
        (
            "limits.rooms",
            number(-1),
            "limits.rooms: must be an integer from 1 to 10000000, or false, got -1",
        ),
        (
            "limits.rooms",
            number(1.5),
            "limits.rooms: must be an integer from 1 to 10000000, or false, got 1.5",
        ),
        (
            "limits.rooms",
            RawValue::Bool(true),
            "limits.rooms: must be an integer from 1 to 10000000, or false, got type boolean",
        ),
        ("host", text("nowhere"), "host: must be an IP address or localhost, got \"nowhere\""),
        ("host", number(1), "host: must be an IP address or localhost, got type number"),
        ("path", text("ws"), &format!("{path} \"ws\"")),
        ("path", text("/ws?a"), &format!("{path} \"/ws?a\"")),
        ("path", text("/w s"), &format!("{path} \"/w s\"")),
        ("path", RawValue::Other("object"), &format!("{path} type object")),
        ("protocol", text("mqtt"), "protocol: must be messaging or raw, got \"mqtt\""),
        (
            "slowConsumer",
            text("drop"),
            "slowConsumer: must be disconnect or dropOldest, got \"drop\"",
        ),
        (
            "enableCompression",
            text("true"),
            "enableCompression: must be a boolean, got type string",
        ),
    ];
    for (option, value, message) in cases {
        let error = resolve(&[(option, value.clone())], &[]).expect_err(message);
        assert_eq!(error.to_string(), *message);
        let wrong_type = message.contains("got type");
        let codes = ["ERR_INVALID_OPTION_RANGE", "ERR_INVALID_OPTION_TYPE"];
        assert_eq!(error.code(), codes[usize::from(wrong_type)]);
    }
}

#[test]
fn wrong_variables_name_themselves() {
    let cases = [
        ("WS_PORT", "abc", "an integer from 0 to 65535"),
        ("WS_PORT", "80a", "an integer from 0 to 65535"),
        ("WS_PORT", "-1", "an integer from 0 to 65535"),
        ("WS_PORT", "NaN", "an integer from 0 to 65535"),
        ("WS_MAX_CONNECTIONS", "10000001", "an integer from 1 to 10000000"),
        ("WS_HEARTBEAT_INTERVAL", "0.5", "an integer from 1 to 2147483647"),
        ("WS_HOST", "nowhere", "an IP address or localhost"),
        ("WS_PATH", "ws", "a path like /ws, without query or fragment"),
        ("WS_PROTOCOL", "Raw", "messaging or raw"),
        ("WS_MAX_ROOMS", "many", "an integer from 1 to 10000000, or off"),
        ("WS_RATE_LIMIT", "100/", "an integer from 1 to 1000000, or off"),
    ];
    for (variable, value, expected) in cases {
        let error = resolve(&[], &[(variable, value)]).expect_err(variable);
        assert_eq!(error.to_string(), format!("{variable}: must be {expected}, got {value:?}"));
        assert_eq!(error.code(), "ERR_INVALID_ENV");
    }
}

#[test]
fn a_variable_that_protects_is_a_plain_yes_or_no() {
    for (value, expected) in [
        ("true", true),
        ("TRUE", true),
        ("1", true),
        ("false", false),
        ("False", false),
        ("0", false),
    ] {
        let config = resolve(&[], &[("WS_REQUIRE_AUTH", value)]).expect(value);
        assert_eq!(config.guard.require_auth, expected, "{value}");
        let config = resolve(&[], &[("WS_LIMIT_PER_IP", value)]).expect(value);
        assert_eq!(config.limits.per_ip.is_some(), expected, "{value}");
    }
    let limit = resolve(&[("trustProxy", number(1))], &[("WS_LIMIT_PER_IP", "off")]).unwrap();
    assert_eq!(limit.limits.per_ip, None);
    for (variable, expected) in [
        ("WS_REQUIRE_AUTH", "true or false"),
        ("WS_PROXY_PROTOCOL", "true or false"),
        ("WS_LIMIT_PER_IP", "true, false or off"),
    ] {
        for value in ["yes", "on", "truee", "2", "offf"] {
            let error = resolve(&[], &[(variable, value)]).expect_err(variable);
            let message = format!("{variable}: must be {expected}, got {value:?}");
            assert_eq!((error.to_string(), error.code()), (message, "ERR_INVALID_ENV"));
        }
    }
    // As ever, for callers that rely on it.
    let config = resolve(&[], &[("WS_COMPRESSION", "1"), ("WS_HEARTBEAT", "yes")]).unwrap();
    assert_eq!((config.compression, config.heartbeat), (None, None));
}

/// Wrong variables, which are not looked at either.
#[test]
fn false_is_off_whatever_the_environment_says() {
    let env = [
        ("WS_ORIGINS", "x"),
        ("WS_TRUST_PROXY", "x"),
        ("WS_TOKEN_FROM", "x"),
        ("WS_AUTHORIZE_SUBSCRIBE", "{x}"),
        ("WS_AUTHORIZE_JOIN_ROOM", "{x}"),
        ("WS_JWT_SECRET", "x"),
        ("WS_JWT_ALGORITHMS", "x"),
    ];
    let mut raw = RawOptions::default();
    for name in ["origins", "trustProxy", "tokenFrom", "authorize"] {
        assert!(raw.set(name, RawValue::Bool(false)));
    }
    raw.jwt = RawObject::Off;
    let get = |variable: &str| {
        env.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned())
    };
    assert_eq!(Config::resolve(&raw, &get), Ok(Config::default()));
    // A hook may then stand in the place of the environment's keys.
    raw.set("authenticate", RawValue::Other("function"));
    let guard = Config::resolve(&raw, &get).map(|config| config.guard.authenticator);
    assert_eq!(guard, Ok(Authenticator::Host));
    raw.jwt = RawObject::Absent;
    assert!(Config::resolve(&raw, &get).is_err());
}

#[test]
fn where_clients_may_go() {
    let authorizer = |options: &[_], env: &[_]| resolve(options, env).map(|it| it.guard.authorizer);
    let function = || ("authorize", RawValue::Other("function"));
    let object = || ("authorize", RawValue::Other("object"));
    let one = [("WS_AUTHORIZE_SUBSCRIBE", "a")];
    assert_eq!(authorizer(&[], &[]), Ok(Authorizer::Nobody));
    assert_eq!(authorizer(&[function()], &one), Ok(Authorizer::Host));
    let nowhere = Patterns::default();
    assert_eq!(authorizer(&[object()], &[]), Ok(Authorizer::Patterns(nowhere.into())));
    let subscribe = vec![patterns::Pattern::parse("a").unwrap()];
    let patterns = Patterns { subscribe, join_room: Vec::new() };
    assert_eq!(authorizer(&[], &one), Ok(Authorizer::Patterns(patterns.clone().into())));
    assert_eq!(authorizer(&[object()], &one), Ok(Authorizer::Patterns(patterns.into())));
    // An empty list is one too.
    let empty = ("authorize.subscribe", RawValue::List(Vec::new()));
    let nowhere = Patterns::default();
    assert_eq!(authorizer(&[object(), empty], &one), Ok(Authorizer::Patterns(nowhere.into())));
}

#[test]
fn lists_and_hooks_that_are_wrong_name_themselves() {
    let sources = "header, subprotocol, cookie:NAME or query:NAME";
    let patterns = "patterns with *, {userId}, {sessionId} and {claims.NAME}";
    let list = |entry| RawValue::List(vec![text("header"), entry]);
    for (option, value, message) in [
        ("tokenFrom", list(text("body")), format!("{sources}, got \"body\"")),
        ("tokenFrom", list(number(1)), format!("{sources}, got type number")),
        ("tokenFrom", number(1), format!("{sources}, got type number")),
        ("authorize.subscribe", text("{who}"), format!("{patterns}, got \"{{who}}\"")),
        ("authenticate", text("f"), "a function, got type string".to_owned()),
        ("authenticate", RawValue::Bool(false), "a function, got type boolean".to_owned()),
        ("authorize", list(text("")), "a function or an object, got type array".to_owned()),
    ] {
        let error = resolve(&[(option, value)], &[]).expect_err(&message);
        assert_eq!(error.to_string(), format!("{option}: must be {message}"));
    }
    let error = resolve(&[], &[("WS_TOKEN_FROM", "header,body")]).expect_err("no source");
    assert_eq!(error.to_string(), format!("WS_TOKEN_FROM: must be {sources}, got \"header,body\""));
}

proptest! {
    /// A number is taken exactly, falls through, or is an error: never rounded or wrapped.
    #[test]
    fn numbers_are_never_bent(
        value in prop_oneof![any::<f64>(), (-10i32..100_000).prop_map(f64::from)],
    ) {
        match resolve(&[("port", number(value))], &[]) {
            Ok(config) if value.is_nan() => prop_assert_eq!(config.port, 8080),
            Ok(config) => prop_assert_eq!(f64::from(config.port), value),
            Err(error) => {
                prop_assert!(value.fract() != 0.0 || !(0.0..=65535.0).contains(&value));
                prop_assert!(error.to_string().starts_with("port: "));
            }
        }
    }

    #[test]
    fn any_environment_is_survived(value in ".{0,12}") {
        for variable in ["WS_PORT", "WS_HOST", "WS_PATH", "WS_HEARTBEAT", "WS_SHARDS"] {
            if let Err(error) = resolve(&[], &[(variable, &value)]) {
                prop_assert!(error.to_string().starts_with(variable));
            }
        }
    }
}
