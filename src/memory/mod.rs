//! Linear memory reservations and checked guest pointers.
