//! JavaScript values in forms that the core takes: payloads in one copy, and values whose type is
//! not known yet. The unsafe code of the boundary is here.
#![allow(unsafe_code, reason = "Node-API is a C interface; its calls are unsafe by nature")]

use messaging_core::ws::HEADROOM;
use messaging_core::ws::config::RawValue;
use napi::bindgen_prelude::{Float64Array, FromNapiValue, TypeName, Uint8Array, ValidateNapiValue};
use napi::{Error, Result, Status, ValueType, sys};
use std::ptr;

/// Spare bytes behind a text, so that a timestamp fits without moving it.
const TAILROOM: usize = 48;

/// A descriptor of our own for the socket of one of the host's.
///
/// # Errors
/// When it is not open, or no more can be had.
#[cfg(unix)]
pub fn duplicate(descriptor: i32) -> std::io::Result<std::os::fd::OwnedFd> {
    use std::os::fd::BorrowedFd;
    if descriptor < 0 {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: it is not -1, and the host's thread, which could close it, is in this call. One that
    // is not open is an error of the duplication.
    let host = unsafe { BorrowedFd::borrow_raw(descriptor) };
    host.try_clone_to_owned()
}

/// A string on its way to the wire: `HEADROOM` bytes, then its UTF-8.
#[derive(Debug)]
pub struct WireText(pub Vec<u8>);

impl TypeName for WireText {
    fn type_name() -> &'static str {
        "string"
    }

    fn value_type() -> ValueType {
        ValueType::String
    }
}

impl ValidateNapiValue for WireText {}

impl FromNapiValue for WireText {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let mut length = 0;
        // SAFETY: `env` and `value` are valid, as this function's own contract says; without a
        // buffer the call only measures.
        let status = unsafe {
            sys::napi_get_value_string_utf8(env, value, ptr::null_mut(), 0, &raw mut length)
        };
        check(status, "a string is required")?;
        let mut buffer: Vec<u8> = Vec::with_capacity(HEADROOM + length + TAILROOM);
        buffer.resize(HEADROOM, 0);
        let mut written = 0;
        // SAFETY: behind the headroom there is room for `length` bytes and the terminating NUL
        // that the call writes; it reports how many bytes before the NUL it initialised.
        unsafe {
            let start = buffer.as_mut_ptr().add(HEADROOM).cast();
            let status =
                sys::napi_get_value_string_utf8(env, value, start, length + 1, &raw mut written);
            check(status, "the string could not be read")?;
            buffer.set_len(HEADROOM + written);
        }
        Ok(Self(buffer))
    }
}

/// Bytes on their way to the wire: `HEADROOM` bytes, then a copy of them.
pub fn wire_bytes(data: &Uint8Array) -> Vec<u8> {
    let mut buffer = Vec::with_capacity(HEADROOM + data.len());
    buffer.resize(HEADROOM, 0);
    buffer.extend_from_slice(data);
    buffer
}

/// Numbers that JavaScript gives to be written to, for one call.
pub fn numbers(array: &mut Float64Array) -> &mut [f64] {
    // SAFETY: JavaScript's thread is in this call, and nothing else of ours has this memory.
    unsafe { array.as_mut() }
}

/// A number of receivers or connections, for JavaScript.
pub fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A value of any type, for the core to judge.
#[derive(Debug)]
pub struct Given(pub RawValue);

impl TypeName for Given {
    fn type_name() -> &'static str {
        "unknown"
    }

    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl FromNapiValue for Given {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let mut kind = 0;
        // SAFETY: `env` and `value` are valid, as this function's own contract says; each
        // conversion below is of the type that Node-API just reported.
        let value = unsafe {
            check(sys::napi_typeof(env, value, &raw mut kind), "an option could not be read")?;
            match ValueType::from(kind) {
                ValueType::Undefined | ValueType::Null => RawValue::Absent,
                ValueType::Boolean => RawValue::Bool(bool::from_napi_value(env, value)?),
                ValueType::Number => RawValue::Number(f64::from_napi_value(env, value)?),
                ValueType::String => RawValue::Text(String::from_napi_value(env, value)?),
                ValueType::Symbol => RawValue::Other("symbol"),
                ValueType::Function => RawValue::Other("function"),
                ValueType::BigInt => RawValue::Other("bigint"),
                ValueType::Object if is_array(env, value)? => {
                    let entries = Vec::<Self>::from_napi_value(env, value)?;
                    RawValue::List(entries.into_iter().map(|Self(entry)| entry).collect())
                }
                _ => RawValue::Other("object"),
            }
        };
        Ok(Self(value))
    }
}

fn is_array(env: sys::napi_env, value: sys::napi_value) -> Result<bool> {
    let mut is_array = false;
    // SAFETY: both are valid, as the caller's own contract says.
    check(
        unsafe { sys::napi_is_array(env, value, &raw mut is_array) },
        "an option could not be read",
    )?;
    Ok(is_array)
}

fn check(status: sys::napi_status, problem: &str) -> Result<()> {
    if status == sys::Status::napi_ok {
        Ok(())
    } else {
        Err(Error::new(Status::from(status), problem.to_owned()))
    }
}
