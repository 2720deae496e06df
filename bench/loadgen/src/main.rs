//! Load generator of the benchmark: thousands of WebSocket clients in one thread, driven by epoll.
//!
//! It is called with one JSON argument (see `options.rs`), plays one scenario against a running
//! contestant, and prints one JSON object with what it counted and measured. It also reads the
//! server process's CPU clock, so that a measurement begins and ends exactly with the load.

#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
mod control;
#[cfg(target_os = "linux")]
mod fleet;
#[cfg(target_os = "linux")]
mod frames;
#[cfg(target_os = "linux")]
mod inflate;
#[cfg(target_os = "linux")]
mod message;
#[cfg(target_os = "linux")]
mod meter;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod scenarios;

/// Whatever ends a scenario early is told in words and nothing else.
#[cfg(target_os = "linux")]
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[cfg(target_os = "linux")]
fn main() -> Result<()> {
    let argument = std::env::args().nth(1).ok_or("one JSON argument is needed, see options.rs")?;
    let options: options::Options = serde_json::from_str(&argument)?;
    let report = scenarios::play(&options)?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("the load generator measures through /proc and Linux's CPU clocks: Linux only");
    std::process::exit(1);
}
