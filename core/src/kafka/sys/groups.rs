//! The groups of a cluster, with their members as these have described themselves.

use rdkafka::bindings::{
    rd_kafka_group_info, rd_kafka_group_list_destroy, rd_kafka_group_member_info,
    rd_kafka_list_groups, rd_kafka_resp_err_t,
};
use serde::Serialize;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::slice;
use std::time::Duration;

use super::Handle;
use super::text::{c_string, check, code_of, owned};
use crate::kafka::error::KafkaError;

/// A group, under kafkajs's names.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupInfo {
    pub error_code: i32,
    pub group_id: String,
    /// `Stable`, `Empty`, `Dead`, `PreparingRebalance` or `CompletingRebalance`.
    pub state: String,
    /// `consumer`, or that of another kind of group.
    pub protocol_type: String,
    /// The assignor that the members agree on.
    pub protocol: String,
    pub members: Vec<MemberInfo>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberInfo {
    pub member_id: String,
    pub client_id: String,
    pub client_host: String,
    /// As the member has sent it.
    pub member_metadata: Vec<u8>,
    /// As the group's leader has sent it.
    pub member_assignment: Vec<u8>,
}

impl Handle {
    /// Asks all brokers for one group or all, and waits so long. A group that is not known is left out.
    ///
    /// # Errors
    /// Not all brokers answer in time, or one refuses.
    pub(crate) fn groups(
        &self,
        group: Option<&str>,
        timeout: Duration,
    ) -> Result<Vec<GroupInfo>, KafkaError> {
        let group = group.map(c_string).transpose()?;
        let name = group.as_ref().map_or(ptr::null(), |it| it.as_ptr());
        let timeout_ms = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
        let mut raw = ptr::null();
        // SAFETY: a live client, a C string or null, and a place to write to.
        let result = unsafe { rd_kafka_list_groups(self.raw(), name, &raw mut raw, timeout_ms) };
        if raw.is_null() {
            return check(result).map(|()| Vec::new());
        }
        // SAFETY: the call has given it to us, also when only a part has come.
        let groups = unsafe {
            let list = &*raw;
            let groups = part(list.groups, list.group_cnt).iter().map(group_of).collect();
            rd_kafka_group_list_destroy(raw);
            groups
        };
        if result == rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__PARTIAL {
            return Err(KafkaError::timed_out("not all brokers have told their groups in time"));
        }
        check(result).map(|()| groups)
    }
}

fn group_of(group: &rd_kafka_group_info) -> GroupInfo {
    // SAFETY: librdkafka's own strings and pairs of pointers and counts.
    unsafe {
        GroupInfo {
            error_code: code_of(group.err),
            group_id: owned(group.group),
            state: owned(group.state),
            protocol_type: owned(group.protocol_type),
            protocol: owned(group.protocol),
            members: part(group.members, group.member_cnt).iter().map(|it| member_of(it)).collect(),
        }
    }
}

/// # Safety
/// A member of a live list.
unsafe fn member_of(member: &rd_kafka_group_member_info) -> MemberInfo {
    // SAFETY: the caller's promise.
    unsafe {
        MemberInfo {
            member_id: owned(member.member_id),
            client_id: owned(member.client_id),
            client_host: owned(member.client_host),
            member_metadata: bytes(member.member_metadata, member.member_metadata_size),
            member_assignment: bytes(member.member_assignment, member.member_assignment_size),
        }
    }
}

/// # Safety
/// librdkafka's own pair of pointer and size.
unsafe fn bytes(start: *const c_void, size: c_int) -> Vec<u8> {
    // SAFETY: the caller's promise.
    unsafe { part(start.cast::<u8>(), size) }.to_vec()
}

/// # Safety
/// librdkafka's own pair of pointer and count.
unsafe fn part<'a, T>(start: *const T, count: c_int) -> &'a [T] {
    match usize::try_from(count) {
        // SAFETY: the caller's promise.
        Ok(count) if count > 0 && !start.is_null() => unsafe {
            slice::from_raw_parts(start, count)
        },
        _ => &[],
    }
}
