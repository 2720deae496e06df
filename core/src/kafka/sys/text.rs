//! Strings and error codes over the border.

use rdkafka::bindings::{rd_kafka_err2name, rd_kafka_err2str, rd_kafka_resp_err_t};
use std::ffi::{CStr, CString, c_char};

use crate::kafka::error::KafkaError;

/// librdkafka's own numbers are negative, the protocol's positive.
pub(crate) fn code_of(error: rd_kafka_resp_err_t) -> i32 {
    error as i32
}

/// # Errors
/// A zero byte inside, which no name or setting of Kafka can have.
pub(crate) fn c_string(text: &str) -> Result<CString, KafkaError> {
    CString::new(text).map_err(|_| KafkaError::invalid(format!("{text:?} has a zero byte")))
}

/// A copy of a string of librdkafka's; empty for null.
///
/// # Safety
/// `text` is null or a C string that lives during the call.
pub(crate) unsafe fn owned(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, and the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// The symbolic name of a code, such as `_TRANSPORT`.
pub(crate) fn name_of(error: rd_kafka_resp_err_t) -> String {
    // SAFETY: any code is fine, and the answer is a static string.
    unsafe { owned(rd_kafka_err2name(error)) }
}

/// What a code says for people.
pub(crate) fn text_of(error: rd_kafka_resp_err_t) -> String {
    // SAFETY: any code is fine; the answer is static, or lives in the thread until the next call.
    unsafe { owned(rd_kafka_err2str(error)) }
}

/// Ok for "no error", else the error with librdkafka's text.
pub(crate) fn check(error: rd_kafka_resp_err_t) -> Result<(), KafkaError> {
    if error == rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    Err(error_of(error, text_of(error)))
}

pub(crate) fn error_of(error: rd_kafka_resp_err_t, message: String) -> KafkaError {
    KafkaError::new(code_of(error), name_of(error), message)
}
