"""One session as one self-contained HTML file (`build.build_report`), made from `data.ReportData`."""
