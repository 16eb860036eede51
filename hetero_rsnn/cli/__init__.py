from hetero_rsnn.cli.app import app as app
from hetero_rsnn.cli.app import main as main
