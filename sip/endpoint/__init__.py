"""The machine of one SIP element, and the loop that feeds its cores."""
