"""The audit's judgement: evidence in, findings and reports out."""
