//! Tokens as secret scanners see them.

mod scanning;
