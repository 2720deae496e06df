//! What a native client has started: librdkafka tells of its threads and of its connections through
//! interceptors, on the thread that they are about.

use rdkafka::bindings::{
    rd_kafka_conf_interceptor_add_on_new, rd_kafka_conf_t,
    rd_kafka_interceptor_add_on_broker_state_change, rd_kafka_interceptor_add_on_thread_exit,
    rd_kafka_interceptor_add_on_thread_start, rd_kafka_resp_err_t, rd_kafka_t,
    rd_kafka_thread_type_t,
};
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use super::text::check;
use crate::kafka::error::KafkaError;

const NAME: &CStr = c"messaging";
const OK: rd_kafka_resp_err_t = rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

/// The states of a broker in which there is no connection yet, or none any more.
const APART: [&[u8]; 4] = [b"INIT", b"DOWN", b"TRY_CONNECT", b"CONNECT"];

/// The threads of one client. A connection belongs to one of them.
#[derive(Debug, Default)]
pub(crate) struct Census {
    connected: Mutex<HashMap<ThreadId, bool>>,
}

impl Census {
    pub(crate) fn threads(&self) -> usize {
        self.lock().len()
    }

    /// Those that are open.
    pub(crate) fn connections(&self) -> usize {
        self.lock().values().filter(|connected| **connected).count()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ThreadId, bool>> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the client that is made of this configuration counted.
    ///
    /// # Safety
    /// A live configuration. The census lives until the client has ended.
    pub(super) unsafe fn watch(
        self: &Arc<Self>,
        conf: *mut rd_kafka_conf_t,
    ) -> Result<(), KafkaError> {
        let census = Arc::as_ptr(self).cast_mut().cast();
        // SAFETY: a live configuration, and a name that is copied.
        check(unsafe {
            rd_kafka_conf_interceptor_add_on_new(conf, NAME.as_ptr(), Some(on_new), census)
        })
    }
}

/// SAFETY of the functions below: librdkafka calls them with what `watch` gave it, while the client lives.
unsafe fn census<'a>(opaque: *mut c_void) -> &'a Census {
    // SAFETY: as above.
    unsafe { &*opaque.cast::<Census>() }
}

/// The client has no threads yet.
unsafe extern "C" fn on_new(
    client: *mut rd_kafka_t,
    _conf: *const rd_kafka_conf_t,
    opaque: *mut c_void,
    _text: *mut c_char,
    _size: usize,
) -> rd_kafka_resp_err_t {
    let name = NAME.as_ptr();
    // SAFETY: a live client, and a name that is copied.
    unsafe {
        rd_kafka_interceptor_add_on_thread_start(client, name, Some(on_start), opaque);
        rd_kafka_interceptor_add_on_thread_exit(client, name, Some(on_exit), opaque);
        rd_kafka_interceptor_add_on_broker_state_change(client, name, Some(on_state), opaque);
    }
    OK
}

unsafe extern "C" fn on_start(
    _client: *mut rd_kafka_t,
    _kind: rd_kafka_thread_type_t,
    _name: *const c_char,
    opaque: *mut c_void,
) -> rd_kafka_resp_err_t {
    // SAFETY: see `census`.
    let census = unsafe { census(opaque) };
    census.lock().insert(thread::current().id(), false);
    OK
}

unsafe extern "C" fn on_exit(
    _client: *mut rd_kafka_t,
    _kind: rd_kafka_thread_type_t,
    _name: *const c_char,
    opaque: *mut c_void,
) -> rd_kafka_resp_err_t {
    // SAFETY: see `census`.
    let census = unsafe { census(opaque) };
    census.lock().remove(&thread::current().id());
    OK
}

unsafe extern "C" fn on_state(
    _client: *mut rd_kafka_t,
    _broker: i32,
    _protocol: *const c_char,
    _host: *const c_char,
    _port: c_int,
    state: *const c_char,
    opaque: *mut c_void,
) -> rd_kafka_resp_err_t {
    // SAFETY: see `census`; the state is one of librdkafka's constant strings.
    let (census, state) = unsafe { (census(opaque), CStr::from_ptr(state)) };
    // A broker is announced by the thread that adds it, which is none of a connection.
    if let Some(connected) = census.lock().get_mut(&thread::current().id()) {
        *connected = !APART.contains(&state.to_bytes());
    }
    OK
}
