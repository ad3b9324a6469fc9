"""The library: time series in, pictures and numbers out. No Streamlit, no SQL, no global state."""
