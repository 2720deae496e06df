//! Verifies tokens for a time, on one thread, and says what that took. What to do comes as JSON on
//! stdin, what it took goes as JSON to stdout; bench/jwt/ has the other contestants.

#[cfg(target_os = "linux")]
mod libraries;

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("the benchmark runs on Linux only");
    std::process::exit(1);
}

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use nix::time::{ClockId, clock_gettime};
    use std::time::{Duration, Instant};

    let order: libraries::Order = serde_json::from_reader(std::io::stdin())?;
    let verify = libraries::verifier(&order)?;
    let run = |seconds: f64| {
        let (begun, until) = (Instant::now(), Duration::from_secs_f64(seconds));
        let mut units = 0u64;
        // The clock is looked at once per round over all tokens.
        while begun.elapsed() < until {
            for (token, user) in order.tokens.iter().zip(&order.users) {
                if verify(token).as_deref() != Some(user) {
                    return Err("a token was refused, or its user is another");
                }
            }
            units += order.tokens.len() as u64;
        }
        Ok((units, begun.elapsed()))
    };
    for token in &order.bad {
        if verify(token).is_some() {
            return Err("a bad token was accepted".into());
        }
    }
    run(order.warmup)?;
    let cpu = || clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from);
    let before = cpu()?;
    let (units, wall) = run(order.seconds)?;
    let cpu_us = (cpu()? - before).as_secs_f64() * 1e6 / units as f64;
    let wall_ms = wall.as_secs_f64() * 1e3;
    println!("{}", serde_json::json!({ "units": units, "wallMs": wall_ms, "cpuUs": cpu_us }));
    Ok(())
}
