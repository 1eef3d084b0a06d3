"""Chat: messages that are passed on within the INVITE sessions of a conference (MS-CONFIM)."""
