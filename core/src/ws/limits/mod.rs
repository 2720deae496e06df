//! How much one client may ask of the server. The decisions are pure: `bucket` is a rate, `meter` judges one
//! connection. Who asks them is in `shard::excess`.

mod bucket;
mod meter;

pub use bucket::{Rate, SharedBucket};
pub use meter::{Excess, Meter};
