//! A broker's certificate under another name than the broker's host.

use openssl_sys::{
    X509_V_ERR_HOSTNAME_MISMATCH, X509_check_host, X509_check_ip_asc, X509_free, d2i_X509,
};
use rdkafka::bindings::{
    rd_kafka_conf_res_t, rd_kafka_conf_set_opaque, rd_kafka_conf_set_ssl_cert_verify_cb,
    rd_kafka_conf_t, rd_kafka_t,
};
use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::ptr;

use crate::kafka::error::KafkaError;

/// Has each certificate checked for this name, after OpenSSL's own checks. The name is the opaque pointer
/// of the configuration, and has to live as long as the client.
///
/// # Safety
/// A live configuration.
pub(super) unsafe fn check_name(conf: *mut rd_kafka_conf_t, name: &CStr) -> Result<(), KafkaError> {
    // SAFETY: the caller's promise; `name` is only passed on.
    let result = unsafe {
        rd_kafka_conf_set_opaque(conf, name.as_ptr().cast_mut().cast());
        rd_kafka_conf_set_ssl_cert_verify_cb(conf, Some(verify))
    };
    if result == rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
        return Ok(());
    }
    Err(KafkaError::invalid("this build cannot check certificates for a servername"))
}

/// Called for each certificate of a chain, from the authority's (greatest depth) to the broker's (0).
unsafe extern "C" fn verify(
    _: *mut rd_kafka_t,
    _: *const c_char,
    _: i32,
    error: *mut c_int,
    depth: c_int,
    certificate: *const c_char,
    size: usize,
    text: *mut c_char,
    text_size: usize,
    name: *mut c_void,
) -> c_int {
    // SAFETY: librdkafka's pointers live during the call, the certificate is `size` bytes, and the name
    // is that of `check_name`.
    unsafe {
        if *error != 0 {
            say(c"it is not of an authority that is trusted, or not valid now", text, text_size);
            return 0;
        }
        if depth > 0 || is_for(certificate, size, name.cast()) {
            return 1;
        }
        *error = X509_V_ERR_HOSTNAME_MISMATCH;
        say(c"it is not made out to the servername", text, text_size);
        0
    }
}

/// # Safety
/// `certificate` is `size` bytes, `name` a C string.
unsafe fn is_for(certificate: *const c_char, size: usize, name: *const c_char) -> bool {
    let Ok(size) = c_long::try_from(size) else { return false };
    let mut at = certificate.cast();
    // SAFETY: the caller's promise. The parsed certificate is ours.
    unsafe {
        let parsed = d2i_X509(ptr::null_mut(), &raw mut at, size);
        if parsed.is_null() {
            return false;
        }
        // A length of 0 stands for a C string.
        let matches = X509_check_host(parsed, name, 0, 0, ptr::null_mut()) == 1
            || X509_check_ip_asc(parsed, name, 0) == 1;
        X509_free(parsed);
        matches
    }
}

/// # Safety
/// `text` has room for `size` bytes.
unsafe fn say(what: &CStr, text: *mut c_char, size: usize) {
    let bytes = what.to_bytes_with_nul();
    if bytes.len() <= size {
        // SAFETY: it fits.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr().cast(), text, bytes.len()) };
    }
}
