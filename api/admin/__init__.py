"""/admin: pages on which admins view rows and act on them.

Flask-Admin provides the views, their routes and the menu. Its SQLAlchemy model views are not
used: they keep a session open, count whole tables and page by OFFSET. `api/admin/table_views.py`
reads pages by an index instead.
"""

from flask import Flask
from flask_admin import Admin

from api.admin import login_views, sessions
from api.admin.guard import finish
from api.admin.images import ImagesView
from api.admin.posts import PostsView
from api.admin.predictions import PredictionsView
from api.admin.system_views import ModelsView, OverviewView
from api.admin.users import UsersView
from api.admin.votes import VotesView
from common.settings import Settings


def register(app: Flask, settings: Settings) -> None:
    """Register the admin pages with the application."""
    sessions.configure(app, settings)
    # Accept a trailing slash without a redirect; Flask-Admin does not set this itself.
    app.url_map.strict_slashes = False
    app.register_blueprint(login_views.blueprint)
    admin = Admin(app, name="Afterimage", index_view=OverviewView())
    for view in (UsersView, ImagesView, PredictionsView, PostsView, VotesView, ModelsView):
        admin.add_view(view())
    app.url_map.strict_slashes = True
    app.after_request(finish)
