//! How much one client, one user or one address may ask of the server. The decisions are pure: `bucket` is a
//! rate, `meter` judges one connection, `seats` and `buckets` count by name, `entrance` judges who comes. Who
//! asks them is in `shard::excess`, `shard::entrance` and `index`.

mod bucket;
mod buckets;
mod entrance;
mod meter;
mod seats;

pub use bucket::{Rate, SharedBucket};
pub use buckets::Buckets;
pub use entrance::{Entrance, SourceSeat};
pub use meter::{Excess, Meter};
pub use seats::Seats;
