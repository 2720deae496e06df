//! Core errors as JavaScript errors with a stable `code`. `lib/errors.ts` gives them the class
//! that fits in the caller's realm.

use messaging_core::ws::BindError;
use messaging_core::ws::RequestError;
use messaging_core::ws::config::ConfigError;
use messaging_core::ws::tls::TlsError;
use napi::bindgen_prelude::JsValue;
use napi::{Env, JsError};
use napi_derive::napi;
use std::io::ErrorKind;

/// An error whose `code` is one of ours.
pub type Error = napi::Error<String>;
pub type Result<T> = std::result::Result<T, Error>;

pub const INVALID_ARGUMENT: &str = "ERR_INVALID_ARGUMENT";

pub fn coded(code: &str, message: impl Into<String>) -> Error {
    Error::new(code.to_owned(), message.into())
}

/// A failure of Node-API itself, such as an environment that is going away.
pub fn internal(error: napi::Error) -> Error {
    coded("ERR_INTERNAL", error.reason.clone())
}

pub fn of_config(error: &ConfigError) -> Error {
    coded(error.code(), error.to_string())
}

pub fn of_tls(error: &TlsError) -> Error {
    coded(error.code(), error.to_string())
}

/// A rejection that keeps its code, which Node-API's own way would lose.
pub fn of_request(env: &Env, error: RequestError) -> napi::Error {
    let code = match error {
        RequestError::Timeout => "ERR_REQUEST_TIMEOUT",
        RequestError::Closed => "ERR_CONNECTION_CLOSED",
        RequestError::Duplicate => "ERR_DUPLICATE_REQUEST",
        RequestError::Overloaded => "ERR_OVERLOADED",
    };
    let error = JsError::from(coded(code, error.to_string())).into_unknown(*env);
    napi::Error::from(error.to_unknown())
}

/// Why the socket could not listen, in the terms of Node's system errors.
#[napi(object)]
#[derive(Clone, Debug)]
pub struct BindFault {
    pub code: String,
    pub message: String,
    pub errno: i32,
    pub syscall: String,
    pub address: String,
    pub port: u16,
}

impl From<BindError> for BindFault {
    fn from(error: BindError) -> Self {
        let code = match error.source.kind() {
            ErrorKind::AddrInUse => "EADDRINUSE",
            ErrorKind::AddrNotAvailable => "EADDRNOTAVAIL",
            ErrorKind::PermissionDenied => "EACCES",
            _ => "ERR_LISTEN",
        };
        let problem = match error.source.kind() {
            ErrorKind::AddrInUse => "address already in use".to_owned(),
            ErrorKind::AddrNotAvailable => "address not available".to_owned(),
            ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.source.to_string(),
        };
        let (address, port) = (error.address.to_string(), error.port);
        Self {
            code: code.to_owned(),
            message: format!("{} {code}: {problem} {address}:{port}", error.syscall),
            errno: -error.source.raw_os_error().unwrap_or(0),
            syscall: error.syscall.to_owned(),
            address,
            port,
        }
    }
}
