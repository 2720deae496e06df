//! The token that a client logs in with.

use rdkafka::bindings::{rd_kafka_oauthbearer_set_token, rd_kafka_resp_err_t};
use std::ffi::c_char;

use super::Handle;
use super::text::{c_string, code_of, name_of};
use crate::kafka::error::KafkaError;

/// 9999-12-31, ms. Whoever gives tokens sees to it that there is a fresh one, and brokers judge them: by this
/// client's clock none is refused.
const NEVER: i64 = 253_402_300_799_000;

impl Handle {
    /// The token for connections that are made from now on, with its extensions (RFC 7628).
    ///
    /// # Errors
    /// Characters that the mechanism does not allow. The text does not quote them.
    pub(crate) fn set_token(
        &self,
        value: &str,
        extensions: &[(String, String)],
    ) -> Result<(), KafkaError> {
        let flat = extensions.iter().flat_map(|(key, value)| [key, value]);
        let strings = flat.map(|it| c_string(it)).collect::<Result<Vec<_>, _>>();
        let (Ok(value), Ok(strings)) = (c_string(value), strings) else {
            return Err(KafkaError::invalid(REFUSED));
        };
        let mut pointers: Vec<_> = strings.iter().map(|it| it.as_ptr()).collect();
        // It quotes what it refuses, and so is not looked at.
        let mut text = [0 as c_char; 512];
        // SAFETY: a live client, C strings that live during the call and are copied, arrays with their lengths.
        let error = unsafe {
            rd_kafka_oauthbearer_set_token(
                self.raw(),
                value.as_ptr(),
                NEVER,
                c"".as_ptr(),
                pointers.as_mut_ptr(),
                pointers.len(),
                text.as_mut_ptr(),
                text.len(),
            )
        };
        if error == rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Ok(());
        }
        Err(KafkaError::new(code_of(error), name_of(error), REFUSED))
    }
}

const REFUSED: &str =
    "a token or its extensions have characters that SASL OAUTHBEARER does not allow";
