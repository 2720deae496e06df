//! JavaScript values in forms that the core takes: payloads in one copy, values whose type is not known
//! yet; and memory of the core's as JavaScript has it. The unsafe code of the boundary is here.
#![allow(unsafe_code, reason = "Node-API is a C interface; its calls are unsafe by nature")]

use messaging_core::jwt::Given as JwtValue;
use messaging_core::ws::HEADROOM;
use messaging_core::ws::config::RawValue;
use messaging_core::ws::tls::RawPem;
use napi::bindgen_prelude::{
    Array, Env, Float64Array, FromNapiValue, Function, JsObjectValue, Object, ToNapiValue,
    TypeName, Uint8Array, Unknown, ValidateNapiValue,
};
use napi::{Error, Result, Status, ValueType, sys};
use std::ffi::c_void;
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

/// Memory of ours as a Buffer, without a copy. It is dropped once nothing in JavaScript is a view of it.
#[derive(Debug)]
pub struct Lent<T>(pub T);

impl<T: AsMut<[u8]> + Send + 'static> ToNapiValue for Lent<T> {
    unsafe fn to_napi_value(env: sys::napi_env, Self(memory): Self) -> Result<sys::napi_value> {
        let mut memory = Box::new(memory);
        let bytes = (*memory).as_mut();
        let (start, length) = (bytes.as_mut_ptr(), bytes.len());
        let hint = Box::into_raw(memory);
        let mut buffer = ptr::null_mut();
        // Electron allows for none: there it is copied.
        // SAFETY: `env` is valid, as this function's own contract says. The bytes stay where they are until
        // `end_loan` is called, which is once, with `hint`, and not at all when the call fails.
        let status = unsafe {
            let end: sys::napi_finalize = Some(end_loan::<T>);
            sys::napi_create_external_buffer(
                env,
                length,
                start.cast(),
                end,
                hint.cast(),
                &raw mut buffer,
            )
        };
        let status = if status == sys::Status::napi_ok {
            status
        } else {
            // SAFETY: ours again.
            let _memory = unsafe { Box::from_raw(hint) };
            if status == sys::Status::napi_no_external_buffers_allowed {
                let nowhere = ptr::null_mut();
                // SAFETY: `env` is valid, and so are the bytes until the end of this block.
                unsafe {
                    sys::napi_create_buffer_copy(
                        env,
                        length,
                        start.cast(),
                        nowhere,
                        &raw mut buffer,
                    )
                }
            } else {
                status
            }
        };
        check(status, "memory cannot be lent to JavaScript")?;
        Ok(buffer)
    }
}

unsafe extern "C" fn end_loan<T>(_: sys::napi_env, _: *mut c_void, hint: *mut c_void) {
    // SAFETY: what `Lent` has made of a box, and nobody else has.
    drop(unsafe { Box::from_raw(hint.cast::<T>()) });
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
        let mut is_array = false;
        // SAFETY: `env` and `value` are valid, as this function's own contract says, and the
        // conversion is of the type that Node-API just reported.
        unsafe {
            check(
                sys::napi_is_array(env, value, &raw mut is_array),
                "an option could not be read",
            )?;
            if !is_array {
                return single(env, value).map(Self);
            }
            let array = Array::from_napi_value(env, value)?;
            let entries = (0..array.len())
                .map(|at| Ok(array.get(at)?.map_or(RawValue::Absent, |Entry(it)| it)));
            Ok(Self(RawValue::List(entries.collect::<Result<_>>()?)))
        }
    }
}

/// An entry of an array: an array inside of one is only an object, or one that holds itself would have no end.
struct Entry(RawValue);

impl TypeName for Entry {
    fn type_name() -> &'static str {
        "unknown"
    }

    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl FromNapiValue for Entry {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: as this function's own contract says.
        unsafe { single(env, value).map(Self) }
    }
}

/// # Safety
/// `env` and `value` are valid.
unsafe fn single(env: sys::napi_env, value: sys::napi_value) -> Result<RawValue> {
    let mut kind = 0;
    // SAFETY: `env` and `value` are valid, as this function's own contract says; each conversion below
    // is of the type that Node-API just reported.
    unsafe {
        check(sys::napi_typeof(env, value, &raw mut kind), "an option could not be read")?;
        Ok(match ValueType::from(kind) {
            ValueType::Undefined | ValueType::Null => RawValue::Absent,
            ValueType::Boolean => RawValue::Bool(bool::from_napi_value(env, value)?),
            ValueType::Number => RawValue::Number(f64::from_napi_value(env, value)?),
            ValueType::String => RawValue::Text(String::from_napi_value(env, value)?),
            ValueType::Symbol => RawValue::Other("symbol"),
            ValueType::Function => RawValue::Other("function"),
            ValueType::BigInt => RawValue::Other("bigint"),
            _ => RawValue::Other("object"),
        })
    }
}

/// A PEM text, as a string or bytes, or a list of such.
#[derive(Debug)]
pub struct GivenPem {
    pub pem: RawPem,
    pub is_list: bool,
}

impl TypeName for GivenPem {
    fn type_name() -> &'static str {
        "unknown"
    }

    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl FromNapiValue for GivenPem {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let (mut is_list, mut is_typed) = (false, false);
        // SAFETY: `env` and `value` are valid, as this function's own contract says; each
        // conversion below is of the type that Node-API just reported.
        unsafe {
            let problem = "an option could not be read";
            check(sys::napi_is_array(env, value, &raw mut is_list), problem)?;
            check(sys::napi_is_typedarray(env, value, &raw mut is_typed), problem)?;
            if is_list {
                let pem = joined(&Array::from_napi_value(env, value)?)?;
                return Ok(Self { pem, is_list });
            }
            if is_typed && let Ok(bytes) = Uint8Array::from_napi_value(env, value) {
                let pem =
                    if bytes.is_empty() { RawPem::Absent } else { RawPem::Text(bytes.to_vec()) };
                return Ok(Self { pem, is_list });
            }
            let pem = match Given::from_napi_value(env, value)?.0 {
                RawValue::Absent => RawPem::Absent,
                RawValue::Text(text) if text.is_empty() => RawPem::Absent,
                RawValue::Text(text) => RawPem::Text(text.into_bytes()),
                other => RawPem::Other(other.type_name()),
            };
            Ok(Self { pem, is_list })
        }
    }
}

/// A member of the option `jwt`.
#[derive(Debug)]
pub struct GivenJwt(pub JwtValue);

impl TypeName for GivenJwt {
    fn type_name() -> &'static str {
        "unknown"
    }

    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl FromNapiValue for GivenJwt {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let mut is_typed = false;
        // SAFETY: `env` and `value` are valid, as this function's own contract says; each conversion
        // below is of the type that Node-API just reported.
        unsafe {
            let problem = "an option could not be read";
            check(sys::napi_is_typedarray(env, value, &raw mut is_typed), problem)?;
            if is_typed && let Ok(bytes) = Uint8Array::from_napi_value(env, value) {
                return Ok(Self(JwtValue::Bytes(bytes.to_vec())));
            }
            Ok(Self(match Given::from_napi_value(env, value)?.0 {
                RawValue::Absent => JwtValue::Absent,
                RawValue::Bool(false) => JwtValue::Off,
                RawValue::Bool(true) => JwtValue::Other("boolean"),
                RawValue::Number(number) => JwtValue::Number(number),
                RawValue::Text(text) => JwtValue::Text(text),
                RawValue::List(entries) => texts(entries),
                RawValue::Other("object") => json(env, value).map_or_else(
                    // It holds itself, or a BigInt: no key set in any case.
                    |_| JwtValue::Other("object"),
                    JwtValue::Json,
                ),
                RawValue::Other(kind) => JwtValue::Other(kind),
            }))
        }
    }
}

fn texts(entries: Vec<RawValue>) -> JwtValue {
    let texts = entries.into_iter().map(|entry| match entry {
        RawValue::Text(text) => Some(text),
        _ => None,
    });
    texts.collect::<Option<_>>().map_or(JwtValue::Other("array"), JwtValue::Texts)
}

/// An object as `JSON.stringify` writes it.
///
/// # Safety
/// `env` and `value` are valid.
unsafe fn json(env: sys::napi_env, value: sys::napi_value) -> Result<String> {
    // SAFETY: as this function's own contract says.
    let value = unsafe { Unknown::from_napi_value(env, value)? };
    let json: Object<'_> = Env::from_raw(env).get_global()?.get_named_property("JSON")?;
    let stringify: Function<'_, Unknown<'_>, String> = json.get_named_property("stringify")?;
    stringify.call(value)
}

/// The texts of a list, one behind the other.
fn joined(list: &Array<'_>) -> Result<RawPem> {
    let mut all = Vec::new();
    for at in 0..list.len() {
        match list.get::<GivenPem>(at)? {
            Some(GivenPem { is_list: true, .. }) => return Ok(RawPem::Other("array")),
            Some(GivenPem { pem: RawPem::Text(text), .. }) => {
                all.extend(text);
                all.push(b'\n');
            }
            Some(GivenPem { pem: other @ RawPem::Other(_), .. }) => return Ok(other),
            Some(GivenPem { pem: RawPem::Absent, .. }) | None => {
                return Ok(RawPem::Other("undefined"));
            }
        }
    }
    Ok(if all.is_empty() { RawPem::Absent } else { RawPem::Text(all) })
}

/// An object inside of another one, or whatever else is there.
pub struct Inner<'env>(pub Option<Object<'env>>);

impl TypeName for Inner<'_> {
    fn type_name() -> &'static str {
        "unknown"
    }

    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl FromNapiValue for Inner<'_> {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let mut kind = 0;
        // SAFETY: `env` and `value` are valid, as this function's own contract says; the conversion
        // is of the type that Node-API just reported.
        unsafe {
            check(sys::napi_typeof(env, value, &raw mut kind), "an option could not be read")?;
            match ValueType::from(kind) {
                ValueType::Object => Object::from_napi_value(env, value).map(|it| Self(Some(it))),
                _ => Ok(Self(None)),
            }
        }
    }
}

fn check(status: sys::napi_status, problem: &str) -> Result<()> {
    if status == sys::Status::napi_ok {
        Ok(())
    } else {
        Err(Error::new(Status::from(status), problem.to_owned()))
    }
}
