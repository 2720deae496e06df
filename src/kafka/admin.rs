//! `KafkaAdmin`: JavaScript's handle of an admin.

use messaging_core::kafka::admin::{Admin, AdminRequest};
use messaging_core::kafka::config::ClientConfig;
use messaging_core::kafka::notices::Notices;
use napi::Env;
use napi::bindgen_prelude::{Function, Object};
use napi_derive::napi;
use std::sync::Arc;
use std::time::Duration;

use super::promise::{json_of, parsed, promise, thrown};
use crate::error::{Result, internal};
use crate::keep_alive::Entry;
use crate::wake::waker;

#[napi]
#[derive(Debug)]
pub struct KafkaAdmin {
    admin: Admin,
    notices: Arc<Notices>,
    entry: Entry,
}

#[napi]
impl KafkaAdmin {
    /// Reaches for nothing yet. It keeps the environment alive until it is closed. `on_notices` is
    /// called once, until `takeNotices`, when there are any.
    #[napi(constructor, ts_args_type = "config: string, onNotices: () => void")]
    pub fn new(env: Env, config: String, on_notices: Function<'_, (), ()>) -> Result<Self> {
        let config: ClientConfig = parsed(&config)?;
        let notices = Arc::new(Notices::new(waker(&on_notices)?));
        let admin = Admin::new(config, notices.clone()).map_err(|error| thrown(&error))?;
        let ending = admin.clone();
        let entry = Entry::holding(&env, Box::new(move || ending.abandon())).map_err(internal)?;
        Ok(Self { admin, notices, entry })
    }

    /// What an `oauthBearerProvider` gives, as JSON: for connections from now on.
    #[napi]
    pub fn set_token(&self, json: String) -> Result<()> {
        self.admin.set_token(parsed(&json)?).map_err(|error| thrown(&error))
    }

    /// One attempt. Resolves with what a broker has told of the cluster, as JSON.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn connect<'env>(&self, env: &'env Env, timeout_ms: u32) -> Result<Object<'env>> {
        promise(env, |done| self.admin.connect(millis(timeout_ms), done))
    }

    /// Whether a broker is connected.
    #[napi]
    pub fn is_connected(&self) -> bool {
        self.admin.is_connected()
    }

    /// An `AdminRequest` as JSON. Resolves with an `AdminReply` as JSON.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn request<'env>(
        &self,
        env: &'env Env,
        request: String,
        timeout_ms: u32,
    ) -> Result<Object<'env>> {
        let request: AdminRequest = parsed(&request)?;
        promise(env, |done| self.admin.request(request, millis(timeout_ms), done))
    }

    /// What has gathered, each as JSON.
    #[napi]
    pub fn take_notices(&self) -> Vec<String> {
        self.notices.take().iter().map(json_of).collect()
    }

    /// What waits for an answer rejects. Resolves with `null` as JSON.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn close<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let entry = self.entry;
        promise(env, |done| {
            self.admin.close(Box::new(move |outcome| {
                entry.leave();
                done(outcome);
            }));
        })
    }
}

fn millis(time: u32) -> Duration {
    Duration::from_millis(time.into())
}
