# The page on a processor:
#   docker build -t fusion-pose . && docker run --rm -p 127.0.0.1:7860:7860 fusion-pose
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 app
WORKDIR /home/app/fusion-pose

# PyTorch's own index has wheels without CUDA, which are far smaller.
COPY requirements.txt ./
RUN grep '^torch' requirements.txt > torch.txt \
    && pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu -r torch.txt \
    && pip install --no-cache-dir -r requirements.txt

COPY app.py ./
COPY demo ./demo
COPY fusion_model ./fusion_model
COPY assets/checkpoints ./assets/checkpoints
COPY assets/examples ./assets/examples
COPY assets/analysis/figure5.png ./assets/analysis/figure5.png

USER app
ENV GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/', timeout=4)"]
CMD ["python", "app.py"]
