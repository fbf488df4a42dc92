"""RongTong (融通): accepted commercial bills discounted online."""
