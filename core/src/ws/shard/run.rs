//! The thread of a shard: a current-thread runtime with its own I/O driver, one task that takes
//! turns, one that accepts (on the shard with the listener), and one per socket that waits for
//! its readiness.

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Acquire;
use std::task::Poll;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::{JoinHandle, LocalSet, spawn_local, unconstrained, yield_now};
use tokio::time::{sleep, sleep_until};

use super::Shard;
use super::accept_faults::{Remedy, Series, lacks_descriptors};
use crate::ws::arrival::{Arrival, Given};
use crate::ws::connection::next_serial;
use crate::ws::events::Event;
use crate::ws::inbox::Job;
use crate::ws::shared::Shared;
use crate::ws::tls::TlsContext;
use crate::ws::transport::{Carrier, Transport};

/// How long accepting rests after a failure such as a lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Runs a shard until it is shut down.
pub fn run(
    runtime: &Runtime,
    number: usize,
    shared: &Arc<Shared>,
    listener: Option<std::net::TcpListener>,
) {
    let shard = Rc::new(RefCell::new(Shard::new(number, shared.clone())));
    // Without tokio's budget: a turn bounds itself, and a write that pretends to be blocked
    // would break the order of a broadcast's receivers for nothing.
    let turns = unconstrained(take_turns(shard, shared.clone(), listener));
    LocalSet::new().block_on(runtime, turns);
}

async fn take_turns(
    shard: Rc<RefCell<Shard>>,
    shared: Arc<Shared>,
    mut listener: Option<std::net::TcpListener>,
) {
    let inbox = shard.borrow().inbox.clone();
    let mut acceptor: Option<Acceptor> = None;
    loop {
        let deadline = shard.borrow_mut().next_deadline();
        tokio::select! {
            () = inbox.ready() => {}
            () = sleep_until(deadline) => {}
            () = ended(&mut acceptor), if acceptor.is_some() => shared.report_fault(),
        }
        let turn = catch_unwind(AssertUnwindSafe(|| shard.borrow_mut().turn()));
        if turn.is_err() {
            shard.borrow_mut().recover(None);
        }
        let foundlings = std::mem::take(&mut shard.borrow_mut().foundlings);
        for Arrival { carrier, serial, given } in foundlings {
            // A socket that cannot be taken in is dropped, which tells whoever it belongs to.
            if let Ok(stream) = carrier.into_transport() {
                welcome(&shard, stream, serial, given);
            }
        }
        if shard.borrow().started
            && let Some(listener) = listener.take()
        {
            acceptor = start_accepting(listener, &shard, &shared);
        }
        if shard.borrow().gone_by.is_some() {
            listener = None;
            if let Some(acceptor) = acceptor.take() {
                acceptor.task.abort();
            }
        }
        if shard.borrow().is_finished() {
            return;
        }
        if inbox.waiting() > 0 {
            // The host keeps sending: let the sockets be heard in between.
            yield_now().await;
        }
    }
}

/// Takes a socket in and starts the task that waits for it.
fn welcome(
    shard: &Rc<RefCell<Shard>>,
    stream: Transport,
    serial: u64,
    mut given: Option<Box<Given>>,
) {
    let attached = given.is_some();
    // Here and not further out: whoever called has other sockets to take in.
    let adopted =
        catch_unwind(AssertUnwindSafe(|| shard.borrow_mut().adopt(stream, serial, attached)));
    let Ok(key) = adopted else {
        let mut shard = shard.borrow_mut();
        let key = shard.sockets.slots.iter().find(|(_, slot)| slot.serial == serial);
        let culprit = key.map(|(key, _)| (key, serial));
        shard.recover(culprit);
        return;
    };
    let shard = shard.clone();
    spawn_local(unconstrained(poll_fn(move |cx| {
        let given = given.take();
        let served = catch_unwind(AssertUnwindSafe(|| {
            let mut shard = shard.borrow_mut();
            if let Some(given) = given {
                shard.take_over(key, serial, *given);
            }
            shard.poll_slot(key, serial, cx)
        }));
        served.unwrap_or_else(|_| {
            shard.borrow_mut().recover(Some((key, serial)));
            Poll::Ready(())
        })
    })));
}

fn start_accepting(
    listener: std::net::TcpListener,
    shard: &Rc<RefCell<Shard>>,
    shared: &Arc<Shared>,
) -> Option<Acceptor> {
    match TcpListener::from_std(listener) {
        Ok(listener) => Some(Acceptor::start(Rc::new(listener), shard.clone(), shared.clone())),
        Err(error) => {
            report(shared, &error);
            None
        }
    }
}

/// The task that accepts, and what it takes to begin it again.
struct Acceptor {
    task: JoinHandle<()>,
    listener: Rc<TcpListener>,
    shard: Rc<RefCell<Shard>>,
    shared: Arc<Shared>,
}

impl Acceptor {
    fn start(listener: Rc<TcpListener>, shard: Rc<RefCell<Shard>>, shared: Arc<Shared>) -> Self {
        let task = spawn_local(accept(listener.clone(), shard.clone(), shared.clone()));
        Self { task, listener, shard, shared }
    }
}

/// Waits for a panic of the task that accepts, and begins it anew: otherwise clients would connect, since the
/// kernel lets them, and wait for ever.
async fn ended(acceptor: &mut Option<Acceptor>) {
    let ended = match acceptor {
        Some(acceptor) => (&mut acceptor.task).await,
        None => pending().await,
    };
    // The end of the server is one without a fault.
    if let Some(Acceptor { listener, shard, shared, .. }) = acceptor.take()
        && ended.is_err()
    {
        *acceptor = Some(Acceptor::start(listener, shard, shared));
    } else {
        pending::<()>().await;
    }
}

/// Accepts sockets and deals them out to the shards in turn.
async fn accept(listener: Rc<TcpListener>, shard: Rc<RefCell<Shard>>, shared: Arc<Shared>) {
    let mut turn = 0;
    let mut series = Series::default();
    loop {
        while shared.events.is_full() {
            // The host is behind: connections wait in the kernel until it has caught up.
            sleep(ACCEPT_PAUSE).await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                if !shared.took_given_way() {
                    series.end();
                }
                let target = turn % shared.inboxes.len();
                turn += 1;
                // Should that panic, the socket is lost and not the task that accepts.
                let dealt = AssertUnwindSafe(|| deal_out(stream, target, &shard, &shared));
                if catch_unwind(dealt).is_err() {
                    shared.report_fault();
                }
            }
            Err(_) if shared.closed.load(Acquire) => return,
            Err(error) => match series.judge(&error) {
                Remedy::GoOn => {}
                Remedy::Pause { report: first } => {
                    if first {
                        report(&shared, &error);
                    }
                    if lacks_descriptors(&error) {
                        shared.inboxes.iter().for_each(|inbox| inbox.push(Job::GiveWay));
                    }
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

fn deal_out(stream: TcpStream, target: usize, shard: &Rc<RefCell<Shard>>, shared: &Arc<Shared>) {
    let tls = shared.tls.as_ref().map(TlsContext::current);
    if target == shard.borrow().number {
        // A session that cannot be made is a socket that is dropped.
        if let Ok(stream) = Transport::accepted(stream, tls) {
            welcome(shard, stream, next_serial(), None);
        }
    } else if let Ok(socket) = stream.into_std() {
        let (carrier, serial) = (Carrier::accepted(socket, tls), next_serial());
        shared.inboxes[target].push(Job::Adopt(Arrival { carrier, serial, given: None }));
    }
}

fn report(shared: &Shared, error: &std::io::Error) {
    let message = format!("cannot accept connections for the moment: {error}");
    shared.events.push(Event::Error { code: "ERR_ACCEPT", message });
}
