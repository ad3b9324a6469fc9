"""The numbers on a view, each with a sentence that says what it means."""

from typing import Any

import streamlit as st

from pages.parts.text import _


def panel(meta: dict[str, Any]) -> None:
    if meta["loss"] is None:
        st.markdown(f"**{_('Reconstruction error: none')}**")
        st.caption(
            _("This model does not rebuild waveforms, or there was nothing to rebuild: there is no error to measure.")
        )
    else:
        st.metric(_("Reconstruction error"), f"{meta['loss']:.3f}")
        st.caption(
            _(
                "How badly the model guesses hidden parts ({share:.0%} hidden): 0 is perfect, "
                "1 is no better than always guessing the average."
            ).format(share=meta["mask_ratio"])
        )
    if meta["explained"] is not None:
        st.metric(_("Kept by the flat map"), f"{meta['explained']:.0%}")
        st.caption(_("How much of the differences between stretches fits on this flat picture."))
    if meta["parameters"]:
        st.caption(_("Computed in {mode}.").format(mode=meta["mode"]))
    if meta["filled"]:
        st.caption(_("{n:,} missing values were filled, as the preparation says.").format(n=meta["filled"]))
