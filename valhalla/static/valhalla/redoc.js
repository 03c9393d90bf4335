// ReDoc then adds its rules one by one, as a policy without inline styles allows, and not as text.
window.SC_DISABLE_SPEEDY = false;
