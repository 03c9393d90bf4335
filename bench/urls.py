"""The product's addresses and, below one that its gate exempts, those of the bench."""

from django.urls import path

from bench import views
from valhalla.urls import urlpatterns as product

urlpatterns = [
    path("api/governance/bench/insert", views.InsertView.as_view()),
    path("api/governance/bench/known-insert", views.KnownInsertView.as_view()),
    path("bench/nothing", views.nothing),
    path("bench/gated", views.gated),
    path("bench/switched", views.switched),
    *product,
]
