//! Waking JavaScript: a threadsafe function that keeps nothing alive.

use napi::bindgen_prelude::Function;
use napi::threadsafe_function::ThreadsafeFunctionCallMode;

use crate::error::{Result, internal};

/// A call of `function` without arguments, from any thread. The callee takes what has gathered.
pub fn waker(function: &Function<'_, (), ()>) -> Result<impl Fn() + Send + Sync + 'static + use<>> {
    let wake = function
        .build_threadsafe_function::<()>()
        .callee_handled::<false>()
        .weak::<true>()
        .build()
        .map_err(internal)?;
    Ok(move || {
        wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    })
}
