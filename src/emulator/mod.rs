//! A stateful stand-in for the OpenStack-LBaaS-v2 family.
