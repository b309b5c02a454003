//! What tokens look like to those who have nothing else.

mod scanning;
