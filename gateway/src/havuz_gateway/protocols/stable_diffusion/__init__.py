"""The AUTOMATIC1111 web API: https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/API."""
